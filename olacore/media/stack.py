"""Pictures in an array: the `images` of a `.npz` file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.arrays import read_arrays
from olacore.foreign.reading import or_meant

NAME = "images"
# They are held in memory while they are read.
MOST_BYTES = 1 << 32


def open_stack(path: Path) -> np.ndarray:
    """Read the array `images` of a `.npz` file: (n, H, W, 3) uint8, RGB; one file is kept for the next call.

    Raises
    ------
    FileFormatError  if the file is missing, damaged or too large, or holds no such array
    """
    try:
        now = path.stat()
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror}{or_meant(path)}") from error
    return _read(path, now.st_ino, now.st_size, now.st_mtime_ns)


@lru_cache(maxsize=1)
def _read(path: Path, *state: int) -> np.ndarray:
    """Read the pictures of a file in this state."""
    found = read_arrays(path, "stack of pictures", "`numpy.savez`", (NAME,), MOST_BYTES).get(NAME)
    if found is None:
        raise FileFormatError(f"{path} holds no array {NAME!r} (n, H, W, 3) uint8 of pictures.")
    if found.dtype != np.uint8 or found.ndim != 4 or found.shape[-1] != 3 or not found.size:
        raise FileFormatError(f"{NAME!r} in {path} must be uint8 (n, H, W, 3); got {found.dtype} {found.shape}.")
    found.flags.writeable = False
    return found
