"""The survey of many files at once, in threads or in spawned processes."""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from olacore.media.find import Input
from olacore.processes import spawning, worker_deaths_told
from teachers.collect.survey import Finding, VideoRule, survey

# Seconds between two looks at whether the user wants to stop.
PATIENCE = 0.2
MOST_THREADS = 4

Result = TypeVar("Result")
Tick = Callable[[int, int], None]


def survey_all(inputs: Sequence[Input], rule: VideoRule, workers: int, tick: Tick) -> list[Finding]:
    """Look at every file.

    Parameters
    ----------
    workers : spawned processes; 0 for threads of this process
    tick : called with the files done and all files, several times a second; what it raises ends the survey
    """
    if workers:
        # Daemons of the pool end with it; a stop costs nothing but the files in hand.
        return _all(ProcessPoolExecutor(workers, spawning()), survey, [(given, rule) for given in inputs], tick)
    stopped = threading.Event()
    threads = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="olacore-survey")
    try:
        return _all(threads, survey, [(given, rule, stopped.is_set) for given in inputs], tick, stopped.set)
    finally:
        stopped.set()


def digest_all(inputs: Sequence[Input], tick: Tick) -> list[str]:
    """SHA-256 of every file; empty where it cannot be read."""
    threads = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="olacore-digest")
    return _all(threads, _digest, [(given,) for given in inputs], tick)


def _digest(given: Input) -> str:
    try:
        return given.digest()
    except OSError:
        return ""


def _all(
    pool: Executor,
    work: Callable[..., Result],
    calls: Sequence[tuple[Any, ...]],
    tick: Tick,
    stop: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Results of all calls in their order."""
    with _closing(pool, stop):
        futures = [pool.submit(work, *call) for call in calls]
        pending: set[Future[Result]] = set(futures)
        while pending:
            _, pending = wait(pending, PATIENCE, FIRST_COMPLETED)
            tick(len(futures) - len(pending), len(futures))
        with worker_deaths_told():
            return [future.result() for future in futures]


@contextmanager
def _closing(pool: Executor, stop: Callable[[], None]) -> Any:
    try:
        yield
    finally:
        stop()
        pool.shutdown(wait=True, cancel_futures=True)
