"""The only place that chooses Numba's flags.

`kernel` compiles a parallel kernel, `device` a function that kernels call. Compiled code is kept on disk only when
the environment variable `OLACORE_JIT_CACHE` is `1`, which `ola` alone sets, together with a folder keyed by a hash of
the sources: Numba's own cache does not notice an edited helper in another file.
"""

import os
from collections.abc import Callable
from typing import Any

import numba

# `nnan` and `ninf` are left out: with them LLVM deletes the checks for NaN and inf.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
CACHE = os.environ.get("OLACORE_JIT_CACHE") == "1"


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a parallel kernel that releases the GIL and never raises."""
    return numba.njit(parallel=True, nogil=True, fastmath=FASTMATH, error_model="numpy", cache=CACHE)(function)


def serial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a one-thread function that releases the GIL and never raises, for use inside other compiled code."""
    return numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy", cache=CACHE)(function)


def device(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that is inlined into the kernels that call it."""
    return numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy", inline="always", cache=CACHE)(function)
