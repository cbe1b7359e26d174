"""The only place that chooses Numba's flags.

`kernel` compiles a parallel kernel, `serial` its one-thread form, `device` a function that kernels call. Compiled code
is kept on disk only when the environment variable `OLACORE_JIT_CACHE` is `1`, which `ola` alone sets, together with a
folder keyed by a hash of the sources: Numba's own cache does not notice an edited helper in another file.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import numba

# `nnan` and `ninf` are left out: with them LLVM deletes the checks for NaN and inf.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
CACHE = os.environ.get("OLACORE_JIT_CACHE") == "1"
# Held while Python runs parallel kernels: Numba's workqueue layer aborts the process when two threads do so at once.
# The thread that reads ahead runs them too where an encoder makes the latents.
ONE_AT_A_TIME = threading.RLock()


def kernel(function: Callable[..., Any], cache: bool = CACHE) -> Callable[..., Any]:
    """Compile a parallel kernel that releases the GIL and never raises; one that holds a user's code is not cached."""
    return numba.njit(parallel=True, nogil=True, fastmath=FASTMATH, error_model="numpy", cache=cache)(function)


def serial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the body of a kernel, or a plain function, for one thread, for use inside other compiled code.

    It is never kept on disk: Numba's cache tells functions apart by name and bytecode, not by flags, so that a kernel
    and its serial form would be served in each other's place.
    """
    body = getattr(function, "py_func", function)
    return numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy")(body)


def device(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that is inlined into the kernels that call it."""
    return numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy", inline="always", cache=CACHE)(function)
