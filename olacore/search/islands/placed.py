"""All islands where a backend runs them, such as on the machines of a cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from olacore.errors import OlacoreError
from olacore.search.backends.base import make_backend
from olacore.search.config import TrainConfig
from olacore.search.finish import Result
from olacore.search.islands.driver import Job
from olacore.search.islands.exchange import WaitingEnded
from olacore.search.islands.job import Archipelago, gather, run_island
from olacore.search.repeatable import prepared
from olacore.search.run_folder import held


def place_islands(
    configs: Sequence[TrainConfig],
    backend: str,
    should_stop: Callable[[], bool] = lambda: False,
    job: Job = run_island,
    **options: Any,
) -> Archipelago:
    """Run islands by a backend that runs all of them at once, and keep the best one's module.

    Their run folders and the exchange folder have to be where all machines see them, under the same names.

    Parameters
    ----------
    configs : of all islands, as `islands_of` makes them
    backend : name of one of `BACKENDS`; it starts islands that die again
    should_stop : asked now and then; true ends all of them, ready to resume
    job : what each does
    options : of the backend

    Raises
    ------
    OlacoreError  what an island raised; the others are stopped, ready to resume
    """
    assert configs[0].out is not None
    folder = configs[0].out.parent
    pool = make_backend(backend, {**options, "workers": len(configs)})
    failed: list[OlacoreError] = []
    results: dict[int, Result] = {}
    with held(folder):
        # An island that is started again goes on, and one without a checkpoint begins.
        ready = [replace(config, resume=True) for config in prepared(configs)]
        # Where one fails, the others would wait for it.
        for number, found in pool.outcomes(partial(_go_on, job), ready, lambda: bool(failed) or should_stop()):
            if isinstance(found, WaitingEnded):  # by whoever asked to stop
                continue
            if isinstance(found, OlacoreError):
                failed.append(found)
            else:
                results[number] = found
    if failed:
        raise failed[0]
    ended = [results[number] for number in sorted(results)]
    return gather(folder, ended, incomplete=len(ended) < len(configs))


def _go_on(job: Job, config: TrainConfig, should_stop: Callable[[], bool]) -> Result:
    return job(config, (), should_stop)
