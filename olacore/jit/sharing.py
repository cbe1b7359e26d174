"""Kernels whose jobs the caller's thread and others that are free take from one counter.

A parallel loop of Numba ends when all of its threads have come to its end, those too that the system has not woken
yet. Here nobody waits for a thread that has taken no job: on cores that sleep, or that other programs keep busy, a
millisecond of work is often over before a second thread is there.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, wraps
from typing import Any

import numba
import numpy as np

from olacore.jit.threads import start_threads

# Multiply-adds that another thread is worth: they take about 2 ms. To wake it, and to wait for it where another program
# takes its core, takes as long on a busy machine.
WORTH_A_THREAD = 40_000_000


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads beside the caller's. A forked process has none of them: its calls find nobody free, and work alone."""
    most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return ThreadPoolExecutor(max(most - 1, 1), "olacore")


def handed_out(work: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a kernel of a function that prepares and of `work`, which does what there is to do.

    The former returns about how many multiply-adds that will be, and the arguments of the latter.

    Parameters
    ----------
    work : compiled function of (counter, ...), where `take_job(counter)` gives a number to each job; it has to leave
        when there are no jobs left, and may run on several threads at once
    """

    def kernel_of(prepare: Callable[..., tuple[int, tuple[Any, ...]]]) -> Callable[..., None]:
        @wraps(prepare)
        def run(*arguments: Any) -> None:
            counter, (multiply_adds, given) = np.zeros(1, np.int64), prepare(*arguments)
            start_threads()
            count = min(numba.get_num_threads() - 1, multiply_adds // WORTH_A_THREAD)
            if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
                count = 0
            others = []
            # Where no thread can be started, as when the process ends, the caller's does it alone.
            with suppress(RuntimeError):
                for _ in range(count):
                    others.append(_pool().submit(work, counter, *given))
            work(counter, *given)
            for other in others:
                if not other.cancel():
                    other.result()

        return run

    return kernel_of
