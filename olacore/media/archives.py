"""Zip archives of pictures: which members they have, and their bytes, within a bound."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from olacore.errors import FileFormatError, OlacoreError

# A member may have so many bytes; and above `SMALL` no more than `RATIO` times what it takes in the archive, which no
# picture but an empty one does.
MEMBER_BYTES, SMALL, RATIO = 1 << 30, 1 << 26, 100
ENCRYPTED = 1


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
        raise FileFormatError(f"{path} is no zip archive that can be read: {error}.") from error


@contextmanager
def open_member(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file of an archive.

    Raises
    ------
    FileFormatError  if it cannot be unpacked, here or while it is read, or is too large
    """
    where = f"{path}:{member} cannot be unpacked"
    try:
        with zipfile.ZipFile(path) as archive:
            about = archive.getinfo(member)
            size, packed = about.file_size, about.compress_size
            if size > MEMBER_BYTES or (size > SMALL and size > RATIO * packed):
                sizes = f"it would have {size:,} bytes, of {packed:,} in the archive"
                raise FileFormatError(f"{where}: {sizes}; unpack it yourself if it is a picture.")
            if about.flag_bits & ENCRYPTED:
                raise FileFormatError(f"{where}: it is encrypted; give an archive without a password.")
            # It gives no more bytes than it says.
            with archive.open(about) as file:
                yield file
    except OlacoreError:
        raise
    except Exception as error:  # damage comes as a dozen types
        raise FileFormatError(f"{where}: {error}.") from error
