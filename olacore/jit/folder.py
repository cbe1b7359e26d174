"""The private folder of compiled code: one for each state of the sources and of the versions of what compiles them.

What it holds is executed, so nothing is read that somebody else could have written. Whoever calls expects `OSError`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

import llvmlite
import numba
import numpy as np

# Folders that stay when a new one is made.
KEPT = 4
PRIVATE = 0o700
PACKAGE = Path(__file__).parents[1]
DIGEST = hashlib.sha256().digest_size


def sources() -> list[Path]:
    """Return every file whose code can be compiled in."""
    return sorted(path for room in ("jit", "kernels") for path in (PACKAGE / room).rglob("*.py"))


def stamps() -> list[tuple[Path, int, int]]:
    """Return when each source was last written, and its size."""
    return [(path, status.st_mtime_ns, status.st_size) for path in sources() for status in [path.stat()]]


def source_key() -> str:
    """Return the hash that names the folder."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    for part in (numba.__version__, llvmlite.__version__, np.__version__, sys.version):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:16]


def cache_folder(key: str) -> Path:
    """Return the folder of one state; it may be missing.

    Raises
    ------
    OSError  if the user has no home
    """
    chosen = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (chosen if chosen.is_absolute() else Path.home() / ".cache") / "olacore" / key
    except RuntimeError as error:
        raise FileNotFoundError("the user has no home") from error


def check_owner(status: os.stat_result, path: Path) -> None:
    """Raise `PermissionError` if somebody else than this user can have written a file or into a folder."""
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
        raise PermissionError(f"{path} is another user's, or others may write to it")


def read_entry(folder: Path, name: str) -> bytes:
    """Return what `write_entry` kept.

    Raises
    ------
    OSError  if there is no such entry, it is damaged, or somebody else can have written it
    """
    for place in (folder.parent, folder):
        check_owner(place.stat(), place)
    if not (folder / name).is_file():  # a pipe would have us wait
        raise FileNotFoundError(f"there is no file {folder / name}")
    with (folder / name).open("rb") as file:
        check_owner(os.fstat(file.fileno()), folder / name)
        digest, data = file.read(DIGEST), file.read()
    if hashlib.sha256(data).digest() != digest:
        raise OSError(f"{folder / name} is damaged")
    with contextlib.suppress(OSError):
        os.utime(folder)
    return data


def write_entry(folder: Path, name: str, data: bytes) -> None:
    """Keep compiled code in one step, in a folder that is made if it is missing.

    Raises
    ------
    OSError  if it cannot be written, or somebody else can have written into the folder
    """
    folder.parent.parent.mkdir(PRIVATE, parents=True, exist_ok=True)
    folder.parent.mkdir(PRIVATE, exist_ok=True)
    check_owner(folder.parent.stat(), folder.parent)
    if not folder.exists():
        folder.mkdir(PRIVATE, exist_ok=True)
        remove_oldest(folder.parent)
    check_owner(folder.stat(), folder)
    number, scratch = tempfile.mkstemp(dir=folder)
    try:
        with open(number, "wb") as file:  # noqa: PTH123
            file.write(hashlib.sha256(data).digest() + data)
        Path(scratch).replace(folder / name)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def remove_oldest(home: Path) -> None:
    """Delete all but the folders used last."""
    folders = sorted(home.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in folders[KEPT:]:
        shutil.rmtree(folder, ignore_errors=True)
