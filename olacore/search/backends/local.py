"""Jobs on this machine: one after the other in this process, or in spawned processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import ClassVar

from olacore.errors import ConfigError
from olacore.search.backends.base import BACKENDS, Answer, Backend, Payload
from olacore.search.backends.processes import spawning, worker_deaths_told


@BACKENDS.add
class Local(Backend):
    """Jobs in this process, or in so many spawned ones at a time.

    Parameters
    ----------
    workers : 0 for this process

    Raises
    ------
    ConfigError  if `workers` is below 0
    """

    name: ClassVar[str] = "local"

    def __init__(self, workers: int = 0) -> None:
        if workers < 0:
            raise ConfigError(f"workers must be 0 or more; got {workers}.")
        self.workers = workers

    def map(self, job: Callable[[Payload], Answer], payloads: Iterable[Payload]) -> list[Answer]:
        """Run the jobs."""
        if not self.workers:
            return [job(payload) for payload in payloads]
        with worker_deaths_told(), ProcessPoolExecutor(self.workers, spawning()) as pool:
            return list(pool.map(job, payloads))
