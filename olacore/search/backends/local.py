"""Jobs on this machine: one after the other in this process, or in spawned processes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from enum import Enum
from multiprocessing.synchronize import Event
from typing import Any, ClassVar

from olacore.errors import ConfigError, OlacoreError
from olacore.search.backends.base import BACKENDS, Answer, Backend, Payload, ShouldStop, attempt, never
from olacore.search.backends.processes import Pool, spawning, worker_deaths_told


class Unbegun(Enum):
    """What a job answers that was asked to stop before it began; the same in every process."""

    UNBEGUN = "unbegun"


UNBEGUN = Unbegun.UNBEGUN
# How often somebody is asked whether to stop.
SECONDS = 0.2


@BACKENDS.add
class Local(Backend):
    """Jobs in this process, or in so many spawned ones at a time, which share the cores.

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
        with worker_deaths_told(), self._pool(spawning().Event()) as pool:
            return list(pool.map(job, payloads))

    def outcomes(
        self, job: Callable[[Payload, ShouldStop], Answer], payloads: Iterable[Payload], should_stop: ShouldStop = never
    ) -> Iterator[tuple[int, Answer | OlacoreError]]:
        """Run the jobs; where a process dies, those that are not over fail."""
        if not self.workers:
            for number, payload in enumerate(payloads):
                if should_stop():
                    return
                yield number, attempt(job, payload, should_stop)
            return
        stop = spawning().Event()
        with self._pool(stop) as pool:
            numbers = {pool.submit(_attempt_here, job, payload): number for number, payload in enumerate(payloads)}
            left: set[Future[Answer | OlacoreError | Unbegun]] = {*numbers}
            try:
                while left:
                    over, left = wait(left, SECONDS, FIRST_COMPLETED)
                    if should_stop() and not stop.is_set():
                        stop.set()
                        left = {future for future in left if not future.cancel()}
                    for future in sorted(over, key=numbers.__getitem__):
                        if (found := _outcome(future)) is not UNBEGUN:
                            yield numbers[future], found
            finally:
                # Whoever leaves early does not wait for the others to come to their ends.
                stop.set()
                pool.shutdown(cancel_futures=True)

    def _pool(self, stop: Event) -> Pool:
        return Pool(self.workers, _begin, (stop, self.workers))


# Of a worker: set when its parent asks it to stop.
_stop: list[Event] = []


def _begin(stop: Event, workers: int) -> None:
    """Take a share of the cores, and remember whom to ask."""
    import numba

    most: Any = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    numba.set_num_threads(max(1, most // workers))
    _stop[:] = [stop]


def _attempt_here(job: Callable[[Payload, ShouldStop], Answer], payload: Payload) -> Answer | OlacoreError | Unbegun:
    # A pool hands out a job or two ahead, which it can no longer take back.
    return UNBEGUN if _stop[0].is_set() else attempt(job, payload, _stop[0].is_set)


def _outcome(future: Future[Answer | OlacoreError | Unbegun]) -> Answer | OlacoreError | Unbegun:
    try:
        with worker_deaths_told():
            return future.result()
    except OlacoreError as error:
        return error
