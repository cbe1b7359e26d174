"""Threads of everything that computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from threadpoolctl import threadpool_limits

from olacore.embed.checked import threads as kernel_threads


@contextmanager
def limit_threads(count: int, torch: bool = True) -> Iterator[None]:
    """Hold kernels, NumPy's products and, where it is installed, torch to so many threads.

    Parameters
    ----------
    torch : False does not load it, where nothing runs on it
    """
    with ExitStack() as stack:
        stack.enter_context(kernel_threads(count))
        stack.enter_context(threadpool_limits(count, user_api="blas"))
        if torch:
            try:
                from teachers.comparison.torch_kernels import torch_threads
            except ImportError:
                pass
            else:
                stack.enter_context(torch_threads(count))
        yield
