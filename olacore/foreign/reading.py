"""Whole files, read within a bound, and what files of a wrong kind turn out to be."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path

from olacore.errors import FileFormatError
from olacore.foreign.names import alike

# How much `describe_start` looks at.
START = 512
# How like the name of a file is that may have been meant, 0 to 1: more than data.csv and data.h5; and the files of a
# folder that are looked at, so that one of millions of pictures takes no longer.
LIKENESS, LISTED = 0.7, 10_000
POINTER = b"version https://git-lfs.github.com/spec/"
STARTS = (
    (POINTER, "a Git LFS pointer in place of the file; run `git lfs pull`"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a .npy file"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"GGUF", "a GGUF file"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x04", "a pickle"),
)
SAFETENSORS = "a safetensors file"
HTML = (b"<!doctype html", b"<html", b"<head")


def describe_start(data: bytes) -> str:
    """Tell what a file is by its first bytes, `START` of them are enough; "" where they do not say.

    Returns
    -------
    words that follow "it is": "a Git LFS pointer in place of the file; run `git lfs pull`", "empty", "a zip archive"
    """
    if not data:
        return "empty"
    if data[:START].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML):
        return "a page of HTML, such as of an error or a login; download it again"
    if not data[:START].strip(b"\0"):
        return "full of zeros, as after a power cut; copy it again"
    if data[4:8] == b"ftyp":
        return "a video or picture of the MP4 family"
    if len(data) > 9 and data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 1 << 32:
        return SAFETENSORS
    return next((words for start, words in STARTS if data.startswith(start)), "")


def or_rather(data: bytes, expected: str) -> str:
    """End of a sentence on a file of a wrong kind: "it is a zip archive", or else what was expected."""
    words = describe_start(data)
    return f"it is {words}" if words else f"expected {expected}"


def or_meant(path: Path) -> str:
    """End of a sentence on a file that cannot be read: "; did you mean captions.csv?" where it is missing, or "."."""
    if not path.name or os.path.lexists(path):
        return "."
    try:
        with os.scandir(path.parent) as entries:
            names = sorted(entry.name for entry in islice(entries, LISTED) if not entry.name.startswith("."))
    except (OSError, ValueError):
        return "."
    meant = alike(path.name, names, LIKENESS)
    return f"; did you mean {meant}?" if meant else "."


def read_file(path: Path, what: str, most: int) -> bytes:
    """Read a whole file, if it is one.

    Parameters
    ----------
    what : of the sentence "cannot read the module m.safetensors: No such file or directory."
    most : bytes

    Raises
    ------
    FileFormatError  if it is missing, no regular file, may not be read, or is larger
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise FileFormatError(f"cannot read {what} {path}: it is no regular file.")
            data = file.read(most + 1) if status.st_size <= most else b""
    except FileFormatError:
        raise
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileFormatError(f"cannot read {what} {path}: {reason}{or_meant(path)}") from error
    if max(len(data), status.st_size) > most:
        size = f"it has {max(len(data), status.st_size)} bytes, and at most {most} are read"
        raise FileFormatError(f"{what} {path} is too large: {size}.")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; of a named pipe that nobody writes into, do not wait for who may."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
