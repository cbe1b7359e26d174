"""Compiled code kept between processes in a folder that stale code cannot come from.

Numba's cache looks at the file of a kernel alone, and so serves old code after a helper in another file was edited.
The folder is therefore keyed by a hash of every source that can be compiled in, of Numba's, NumPy's and Python's
versions, and of the processor.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

KEPT = 4


def use_disk_cache() -> Path | None:
    """Keep what Numba compiles; called only by a program, never by the library.

    Returns
    -------
    the folder, or None where it is too late because Numba is imported, where Numba's own variables already say what
    to do, or where no folder can be written
    """
    if "numba" in sys.modules or "NUMBA_CACHE_DIR" in os.environ or os.environ.get("NUMBA_DISABLE_JIT") == "1":
        return None
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "olacore"
    folder = base / source_key()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.touch()
        remove_oldest(base)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    os.environ["NUMBA_CACHE_DIR"] = str(folder)
    os.environ["OLACORE_JIT_CACHE"] = "1"
    return folder


def source_key() -> str:
    """Return the hash that names the folder."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted([*package.glob("jit/**/*.py"), *package.glob("kernels/**/*.py")]):
        digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(str(package).encode())
    for part in (version("numba"), version("numpy"), sys.version, platform.processor(), platform.machine()):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def remove_oldest(base: Path) -> None:
    """Delete all but the folders used last."""
    folders = sorted(base.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
