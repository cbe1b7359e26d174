"""The files that a set is made of, and how it is seen that they are no longer what they were."""

from __future__ import annotations

import logging
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path

from olacore.commands.progress import Bar

logger = logging.getLogger(__name__)


def files_of(sources: Sequence[Path], captions: str) -> dict[str, list[Path]]:
    """Pictures, and the captions that no table has: texts or tables beside the pictures.

    Parameters
    ----------
    sources : pictures, archives, and folders of these
    captions : as `ola precompute` takes them
    """
    from olacore.media.find import find_inputs

    pictures = sorted({given.path for given in find_inputs(sources)[0]})
    if captions == "txt":
        return {"pictures": pictures, "captions": sorted({path.with_suffix(".txt") for path in pictures})}
    if captions == "names":
        folders = sorted({path.parent for path in pictures})
        return {"pictures": pictures, "captions": [path for folder in folders for path in tables_in(folder)]}
    return {"pictures": pictures}


def tables_in(folder: Path) -> list[Path]:
    """The tables of captions in a folder, by their names; of one that cannot be read a warning tells."""
    from olacore.media.find import is_table

    try:
        return sorted(path for path in folder.iterdir() if is_table(path.name))
    except OSError as error:
        logger.warning("changes of captions in the folder %s are not noticed: %s", folder, error.strerror)
        return []


def seen_again(files: Sequence[Path], before: Mapping[str, str] | None, what: str = "files") -> dict[str, str]:
    """What the record says of files; they are read unless it says so already, by their names, sizes and times.

    Parameters
    ----------
    what : the bar calls them, while they are read
    """
    stamp = digest_of(f"{path} {stamp_of(path)}" for path in files)
    if before is not None and before["stamp"] == stamp:
        return {**before}

    def lines() -> Iterator[str]:
        with Bar(f"looking at {what}") as bar:
            for number, path in enumerate(files):
                bar(number, len(files))
                yield f"{path} {content_of(path)}"

    return {"stamp": stamp, "digest": digest_of(lines())}


def digest_of(lines: Iterable[str]) -> str:
    """SHA-256 of lines, which may have names that are no text."""
    return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def stamp_of(path: Path) -> str:
    """Size and time of a file, or nothing where there is none, or a folder, a pipe or a device."""
    try:
        about = path.stat()
    except OSError:
        return ""
    return f"{about.st_size} {about.st_mtime_ns}" if stat.S_ISREG(about.st_mode) else ""


def content_of(path: Path) -> str:
    """SHA-256 of a file, or nothing where it cannot be read, as pictures are left out then."""
    if not stamp_of(path):  # a pipe would be waited for
        return ""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
