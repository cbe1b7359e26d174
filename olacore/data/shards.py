"""Data sets in several files: a folder of shards, each a whole file of its own."""

import errno
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from olacore.data.storage import fcntl, open_file
from olacore.errors import FileFormatError, OutputError

logger = logging.getLogger(__name__)


def shard_paths(folder: Path, count: int) -> list[Path]:
    """Where the shards of a collection lie: `shard-0001-of-0012.h5` and so on."""
    return [folder / f"shard-{number:04d}-of-{count:04d}.h5" for number in range(1, count + 1)]


def expand_folders(paths: Sequence[Path]) -> list[Path]:
    """Replace each folder by the data files in it, sorted; shards that have no row yet are left out.

    Raises
    ------
    FileFormatError  if a folder holds no data file with a row
    """
    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(path.glob("*.h5"))
        if not found:
            raise FileFormatError(f"expected data files *.h5 in the folder {path}; there are none.")
        begun = [file for file in found if not _is_untouched(file)]
        if not begun:
            raise FileFormatError(f"none of {len(found)} data files in {path} has finished rows; let precompute go on.")
        if len(begun) < len(found):
            logger.warning("%d of %d shards in %s have no rows yet", len(found) - len(begun), len(found), path)
        files += begun
    return files


def _is_untouched(path: Path) -> bool:
    with open_file(path) as file:
        return "rows_valid" in file.attrs and file.attrs["rows_valid"] == 0


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder of shards.

    Raises
    ------
    OutputError  if another writer is in it
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            if fcntl is not None:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{folder} is being written by another process; wait until that is done.") from error
        except OSError as error:
            # A file system without locks: go on without one.
            if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
        yield
    finally:
        os.close(descriptor)
