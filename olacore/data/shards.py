"""Data sets in several files: a folder of shards, each a whole file of its own."""

import logging
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from olacore.data import attributes
from olacore.data.storage import NO_LOCKS, fcntl, open_file
from olacore.data.survival import require_survivable
from olacore.errors import FileFormatError, OutputError

NAME = re.compile(r"shard-([0-9]{4,9})-of-([0-9]{4,9})\.h5")

logger = logging.getLogger(__name__)


def shard_paths(folder: Path, count: int) -> list[Path]:
    """Where the shards of a collection lie: `shard-0001-of-0012.h5` and so on.

    Parameters
    ----------
    folder : that they lie in
    count : how many there are
    """
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
        require_survivable(found)
        begun = [file for file in found if not _is_untouched(file)]
        if not begun:
            raise FileFormatError(f"none of {len(found)} data files in {path} has finished rows; let precompute go on.")
        if len(begun) < len(found):
            logger.warning("%d of %d shards in %s have no rows yet", len(found) - len(begun), len(found), path)
        if missing := _missing(found):
            more = f", and {len(missing) - 1} more" if missing[1:] else ""
            logger.warning("%s lacks %s%s: only the others are read", path, missing[0], more)
        files += begun
    return files


def _missing(found: Sequence[Path]) -> list[str]:
    """Names of shards that others in the folder say there are."""
    counts = {int(match[2]) for path in found if (match := NAME.fullmatch(path.name))}
    there = {path.name for path in found}
    return [path.name for count in sorted(counts) for path in shard_paths(Path(), count) if path.name not in there]


def _is_untouched(path: Path) -> bool:
    with open_file(path) as file:
        most = np.iinfo(np.int64).max
        return attributes.has(file, path, "rows_valid") and not attributes.whole_number(
            file, path, "rows_valid", 0, most
        )


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Keep other writers out of a folder of shards.

    Parameters
    ----------
    folder : that shards lie in; it is made where it is missing

    Raises
    ------
    OutputError  if another writer is in it, or it cannot be opened
    """
    if fcntl is None:  # nor does such a system open folders
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {error.strerror}; choose another folder.") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(f"{folder} is being written by another process; wait until that is done.") from error
        except OSError as error:
            # A file system without locks: go on without one.
            if error.errno not in NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)
