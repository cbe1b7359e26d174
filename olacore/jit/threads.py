"""The number of threads that kernels of one Python thread run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import numpy as np

from olacore.errors import ConfigError


@contextmanager
def threads(n_threads: int | None) -> Iterator[None]:
    """Run kernels of this Python thread on so many threads, and give the caller's number back.

    Parameters
    ----------
    n_threads : at least 1, at most the threads Numba started with; None keeps the caller's number

    Raises
    ------
    ConfigError  if `n_threads` is no whole number in that range
    """
    before = numba.get_num_threads()
    if n_threads is not None:
        most = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
        if not isinstance(n_threads, int | np.integer) or not 1 <= n_threads <= most:
            raise ConfigError(f"n_threads must be a whole number from 1 to {most}; got {n_threads!r}.")
        numba.set_num_threads(int(n_threads))
    try:
        yield
    finally:
        numba.set_num_threads(before)
