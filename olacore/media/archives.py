"""Zip archives of pictures: which members they have, and their bytes, within a bound."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO

from olacore.errors import FileFormatError, OlacoreError
from olacore.media.kinds import START, describe_other

# A member may have so many bytes; and above `SMALL` no more than `RATIO` times what it takes in the archive, which no
# picture but an empty one does.
MEMBER_BYTES, SMALL, RATIO = 1 << 30, 1 << 26, 100
ENCRYPTED = 1
MARK = b"PK"
_counting = threading.Lock()


def list_members(path: Path) -> list[str]:
    """Names of the files in an archive, sorted.

    Raises
    ------
    FileFormatError  if it is no zip archive, or is damaged
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted({name for name in archive.namelist() if not name.endswith("/")})
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{path} is no zip archive that can be read: it has names that are no UTF-8.") from error
    except Exception as error:  # damage comes as a dozen types
        start = _start(path)
        words = "" if start.startswith(MARK) else describe_other(start)
        reason = f"it is {words}" if start and words else getattr(error, "strerror", None) or error
        raise FileFormatError(f"{path} is no zip archive that can be read: {reason}.") from error


def _start(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(START)
    except OSError:
        return b""


@lru_cache(maxsize=4)
def _open_archive(path: Path, *state: int) -> zipfile.ZipFile:
    """Open an archive in this state of its file; listing one of many thousand members takes a second."""
    return zipfile.ZipFile(path)


@contextmanager
def open_member(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file of an archive.

    Raises
    ------
    FileFormatError  if it cannot be unpacked, here or while it is read, or is too large
    """
    where = f"{path}:{member} cannot be unpacked"
    try:
        now = path.stat()
        archive = _open_archive(path, now.st_ino, now.st_size, now.st_mtime_ns)
        about = archive.getinfo(member)
        size, packed = about.file_size, about.compress_size
        if size > MEMBER_BYTES or (size > SMALL and size > RATIO * packed):
            sizes = f"it would have {size:,} bytes, of {packed:,} in the archive"
            raise FileFormatError(f"{where}: {sizes}; unpack it yourself if it is a picture.")
        if about.flag_bits & ENCRYPTED:
            raise FileFormatError(f"{where}: it is encrypted; give an archive without a password.")
        # Archives count their open members, and not for several threads.
        with _counting:
            file = archive.open(about)
        try:
            # It gives no more bytes than it says.
            yield file
        finally:
            with _counting:
                file.close()
    except OlacoreError:
        raise
    except Exception as error:  # damage comes as a dozen types
        raise FileFormatError(f"{where}: {error}.") from error
