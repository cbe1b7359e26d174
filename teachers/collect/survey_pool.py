"""The survey of many files at once, in threads or in spawned processes."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from olacore.media.find import Input
from olacore.search.backends.processes import Pool
from teachers.collect.survey import Finding, VideoRule, survey

logger = logging.getLogger(__name__)

# Seconds between two looks at whether the user wants to stop.
PATIENCE = 0.2
MOST_THREADS = 4

Result = TypeVar("Result")
Tick = Callable[[int, int], None]


def survey_all(inputs: Sequence[Input], rule: VideoRule, workers: int, tick: Tick) -> list[Finding]:
    """Look at every file, and log what is odd about one.

    Parameters
    ----------
    workers : spawned processes; 0 for threads of this process
    tick : called with the files done and all files, several times a second; what it raises ends the survey
    """
    findings = _in_processes(inputs, rule, workers, tick) if workers else _in_threads(inputs, rule, tick)
    for given, finding in zip(inputs, findings, strict=True):
        for doubt in finding.doubts:
            logger.warning("%s %s", given, doubt)
    return findings


def _in_threads(inputs: Sequence[Input], rule: VideoRule, tick: Tick) -> list[Finding]:
    stopped = threading.Event()
    threads = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), thread_name_prefix="olacore-survey")
    try:
        return _all(threads, survey, [(given, rule, stopped.is_set) for given in inputs], tick, stopped.set)
    finally:
        stopped.set()


def _in_processes(inputs: Sequence[Input], rule: VideoRule, workers: int, tick: Tick) -> list[Finding]:
    calls = [(given, rule) for given in inputs]
    # Daemons of the pool end with it; a stop costs nothing but the files in hand.
    findings: list[Finding | None] = _all(Pool(workers), survey, calls, tick)
    # A process died, of this file or of one beside it: each is looked at again in a process of its own.
    for number in [number for number, found in enumerate(findings) if found is None]:
        again = partial(_tick_at, tick, number, len(calls))
        [findings[number]] = _all(Pool(1), survey, [calls[number]], again)
    ends = "ends the process that decodes it, perhaps for want of memory; leave it out."
    return [found or Finding("", refused=f"{call[0]} {ends}") for call, found in zip(calls, findings, strict=True)]


def _tick_at(tick: Tick, done: int, total: int, *alone: int) -> None:
    tick(done, total)


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
) -> list[Any]:
    """Results of all calls in their order; None for those whose process died."""
    with _closing(pool, stop):
        futures = [_submitted(pool, work, call) for call in calls]
        pending: set[Future[Result]] = set(futures)
        while pending:
            _, pending = wait(pending, PATIENCE, FIRST_COMPLETED)
            tick(len(futures) - len(pending), len(futures))
        return [None if isinstance(one.exception(), BrokenProcessPool) else one.result() for one in futures]


def _submitted(pool: Executor, work: Callable[..., Result], call: tuple[Any, ...]) -> Future[Result]:
    try:
        return pool.submit(work, *call)
    except BrokenProcessPool as error:
        future: Future[Result] = Future()
        future.set_exception(error)
        return future


@contextmanager
def _closing(pool: Executor, stop: Callable[[], None]) -> Any:
    try:
        yield
    finally:
        stop()
        pool.shutdown(wait=True, cancel_futures=True)
