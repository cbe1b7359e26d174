"""How many threads kernels run on, and how those wait that have nothing to do."""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, NamedTuple

from olacore.errors import ConfigError


class Allowed(NamedTuple):
    """Values of a setting, as a regular expression and in words."""

    pattern: str
    words: str


LAYER = "NUMBA_THREADING_LAYER"
ALLOWED = {
    "NUMBA_NUM_THREADS": Allowed(r"\s*0*([1-9]\d{0,2}|10[01]\d|102[0-4])\s*", "a whole number from 1 to 1024"),
    LAYER: Allowed(
        "default|safe|threadsafe|forksafe|omp|tbb|workqueue",
        "default, safe, threadsafe, forksafe, omp, tbb or workqueue",
    ),
    "NUMBA_CPU_FEATURES": Allowed(r"([+-][^+,-][^,]*(,|$))*", "features such as +avx2,-avx512f"),
}


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

    start_threads()
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


def one_blas_thread() -> AbstractContextManager[Any]:
    """Hold NumPy's BLAS to one thread, so that the number of threads changes no bits.

    It looks for the library once; `threadpool_limits` does so each time, for 1 to 3 ms.
    """
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> Any:
    import numpy as np  # noqa: F401 (loads the library)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def check_environment() -> None:
    """Raise `ConfigError` where what the environment asks of Numba's threads is nothing that they can do."""
    for name, allowed in ALLOWED.items():
        value = os.environ.get(name)
        if value is not None and not re.fullmatch(allowed.pattern, value, re.IGNORECASE):
            raise ConfigError(f"the environment variable {name} must be {allowed.words}; got {value!r}. Unset it.")


def start_threads() -> None:
    """Let Numba choose how it runs threads and start them, if it has not yet.

    Raises
    ------
    ConfigError  if it cannot
    """
    from numba.np.ufunc import parallel

    if parallel._is_initialized:
        return
    check_environment()
    try:
        parallel._launch_threads()
    except ValueError as error:
        asked = " and ".join(f"{name}={value}" for name, value in os.environ.items() if name.startswith(LAYER))
        raise ConfigError(
            f"Numba cannot run threads with {asked}, which is set in the environment; unset it."
        ) from error


def let_idle_threads_sleep() -> None:
    """Ask OpenMP and OpenBLAS not to keep cores busy with waiting; for a program of its own, before NumPy is imported.

    A thread that waits for another spins for a while, and where other programs are busy too it takes the core from the
    very thread that it waits for. What the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Two to this power cycles; 4 is the least, and the default of 26 costs 0.1 s of processor time at each start.
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
