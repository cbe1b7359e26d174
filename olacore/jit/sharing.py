"""Kernels whose jobs the caller's thread and others that are free take from one counter.

A parallel loop of Numba ends when all of its threads have come to its end, those too that the system has not woken
yet. Here nobody waits for a thread that has taken no job: on cores that sleep, or that other programs keep busy, a
millisecond of work is often over before a second thread is there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, wraps
from typing import Any

import numba
import numpy as np

from olacore.jit.threads import start_threads


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads beside the caller's. A forked process has none of them: its calls find nobody free, and work alone."""
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return ThreadPoolExecutor(max(most - 1, 1), "olacore")


def handed_out(work: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a kernel of a function that prepares its arguments and of `work`, which does what there is to do.

    Parameters
    ----------
    work : compiled function of (counter, ...), where `take_job(counter)` gives a number to each job; it has to leave
        when there are no jobs left, and may run on several threads at once
    """

    def kernel_of(prepare: Callable[..., tuple[Any, ...]]) -> Callable[..., None]:
        @wraps(prepare)
        def run(*arguments: Any) -> None:
            counter, given = np.zeros(1, np.int64), prepare(*arguments)
            start_threads()
            count = 0 if numba.config.DISABLE_JIT else numba.get_num_threads() - 1  # type: ignore[attr-defined]
            others = [_pool().submit(work, counter, *given) for _ in range(count)]
            work(counter, *given)
            for other in others:
                if not other.cancel():
                    other.result()

        return run

    return kernel_of
