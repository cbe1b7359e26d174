"""The only place that chooses Numba's flags.

`kernel` compiles a parallel kernel, `work` what threads do of one whose jobs are handed out (`sharing.py`), `serial` a
one-thread form, `device` a function that kernels call. Kernels of this package are kept on disk between processes
unless the environment variable `OLACORE_JIT_CACHE` is `0`.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from typing import Any

import numba
from numba.core.registry import CPUDispatcher

from olacore.jit.threads import start_threads

# `nnan` and `ninf` are left out: with them LLVM deletes the checks for NaN and inf.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
CACHE = os.environ.get("OLACORE_JIT_CACHE") != "0"
# Held while Python runs a parallel kernel, which uses all threads: Numba's workqueue layer aborts the process when two
# Python threads do so at once. A generation of a search holds it too, since it sets the threads of BLAS for all.
ONE_AT_A_TIME = threading.RLock()


class Kernel(CPUDispatcher):
    """A compiled kernel that waits until no other thread of Python runs one."""

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        with ONE_AT_A_TIME:
            return super().__call__(*arguments)

    def compile(self, sig: Any) -> Any:
        """Compile it for some types."""
        start_threads()
        return super().compile(sig)


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a parallel kernel that releases the GIL and never raises."""
    compiled = numba.njit(parallel=True, nogil=True, fastmath=FASTMATH, error_model="numpy")(function)
    if compiled is function:  # it is with NUMBA_DISABLE_JIT
        return compiled
    compiled.__class__ = Kernel
    _keep(compiled, function)
    return compiled


def work(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile what each thread does of a kernel that is `handed_out`, without the GIL, and keep it on disk."""
    compiled = serial(function)
    if compiled is not function:
        _keep(compiled, function)
    return compiled


def _keep(compiled: Any, function: Callable[..., Any]) -> None:
    """Keep compiled code on disk, where that can be done."""
    if CACHE:
        # Nothing is kept where Numba is another inside than we know it, or the sources cannot be read.
        with contextlib.suppress(ImportError, OSError):
            from olacore.jit.disk_cache import DiskCache

            if DiskCache.may_keep(function):
                compiled._cache = DiskCache(function)


def serial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile the body of a kernel, or a plain function, for one thread, for use inside other compiled code.

    It is never kept on disk, because it is part of that code and compiled anew with it.
    """
    body = getattr(function, "py_func", function)
    return numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy")(body)


def device(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a small function that is inlined into the kernels that call it, and kept on disk as part of them."""
    return numba.njit(nogil=True, fastmath=FASTMATH, error_model="numpy", inline="always")(function)
