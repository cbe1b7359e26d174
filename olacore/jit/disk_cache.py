"""Compiled kernels kept between processes, for `ola` and for every program that imports the library.

Numba's own cache looks at the file of a kernel alone, and so serves old code after a helper in another file was edited;
it lies where the program that uses us has put it for its own functions; and a damaged entry is an error. Our kernels
therefore get a cache of ours in its place, with the interface of `numba.core.caching`. It is never an error: where an
entry is missing, damaged or not to be trusted, or cannot be written, the kernel is compiled as if there were no cache.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba import types
from numba.core import config
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.runtime import rtsys
from numba.core.serialize import dumps

from olacore.jit.folder import cache_folder, read_entry, source_key, stamps, write_entry

LOG = logging.getLogger(__name__)
# Settings of Numba that change the code of a kernel.
SETTINGS = ("OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "BOUNDSCHECK", "DEBUGINFO_DEFAULT")
# The newest Numba of which is known that loaded kernels need its runtime and nothing else of it.
LATEST_KNOWN = (0, 68)
# The sources when they were imported: kernels are imported after this file.
KEY, STAMPS = source_key(), stamps()


@cache
def tell_once() -> None:
    """Say, at the first kernel of a process that is not kept yet, why one waits."""
    LOG.info("compiling kernels takes up to half a minute; later runs load them where they can be kept")


class DiskCache(NullCache):
    """What one kernel keeps on disk: an entry for every signature and kind of processor.

    Parameters
    ----------
    function : the kernel's Python function
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._line = function.__code__.co_firstlineno

    @staticmethod
    def may_keep(function: Callable[..., Any]) -> bool:
        """Whether its code follows from the sources: not where it was made by `exec`, or for a user's loss."""
        return Path(function.__code__.co_filename) in {path for path, _, _ in STAMPS} and function.__closure__ is None

    @property
    def cache_path(self) -> str | None:
        """The folder, for `stats` of a kernel."""
        try:
            return str(cache_folder(KEY))
        except OSError:
            return None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled code of a signature, or None if it has to be compiled."""
        try:
            name, identity = self._names(sig, target_context)
            kept, parts = pickle.loads(read_entry(cache_folder(KEY), name))
            if kept != identity:
                raise LookupError("the entry is of another kernel")
            if numba.version_info.short <= LATEST_KNOWN:
                rtsys.initialize(target_context)
            else:
                # What Numba itself does: it also loads all that compiling needs, SciPy too, which takes 0.2 to 0.4 s.
                target_context.refresh()
            return CompileResult._rebuild(target_context, *parts)
        except Exception as error:
            LOG.debug("%s has to be compiled: %s", self._name, error)
            tell_once()
            return None

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep the compiled code of a signature, if it can be kept."""
        try:
            name, identity = self._names(sig, cres.target_context)
            if cres.lifted or cres.library.has_dynamic_globals:
                raise LookupError("it holds what only this process has")
            write_entry(cache_folder(KEY), name, dumps((identity, cres._reduce())))
        except Exception as error:
            LOG.debug("%s is not kept: %s", self._name, error)

    def _names(self, sig: Any, target_context: Any) -> tuple[str, str]:
        """Return the name of an entry, and all that tells it from others in the folder."""
        if stamps() != STAMPS:
            raise LookupError("the sources have changed since they were imported")
        if not all(isinstance(given, types.Array | types.Number | types.Boolean) for given in sig):
            raise LookupError(f"the types {sig} may mean something else in another process")
        settings = [getattr(config, name, None) for name in SETTINGS]
        identity = repr((self._name, self._line, sig, target_context.codegen().magic_tuple(), settings))
        return f"{self._name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}", identity
