"""How many threads kernels run on, and how those wait that have nothing to do."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

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
    import numba
    import numpy as np

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


def let_idle_threads_sleep() -> None:
    """Ask OpenMP and OpenBLAS not to keep cores busy with waiting; for a program of its own, before NumPy is imported.

    A thread that waits for another spins for a while, and where other programs are busy too it takes the core from the
    very thread that it waits for. What the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Two to this power cycles; 4 is the least, and the default of 26 costs 0.1 s of processor time at each start.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
