"""The files that a set is made of, and how it is seen that they are no longer what they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path


def files_of(sources: Sequence[Path], captions: str) -> dict[str, list[Path]]:
    """Pictures, and the captions that no table has: texts or tables beside the pictures.

    Parameters
    ----------
    sources : pictures, archives, and folders of these
    captions : as `ola precompute` takes them
    """
    from olacore.media.find import find_inputs, is_table

    pictures = sorted({given.path for given in find_inputs(sources)[0]})
    if captions == "txt":
        return {"pictures": pictures, "captions": sorted({path.with_suffix(".txt") for path in pictures})}
    if captions == "names":
        folders = sorted({path.parent for path in pictures})
        tables = [path for folder in folders for path in sorted(folder.iterdir()) if is_table(path.name)]
        return {"pictures": pictures, "captions": tables}
    return {"pictures": pictures}


def seen_again(files: Iterable[Path], before: Mapping[str, str] | None) -> dict[str, str]:
    """What the record says of files; they are read unless it says so already, by their names, sizes and times."""
    files = [*files]
    stamp = digest_of(f"{path} {stamp_of(path)}" for path in files)
    if before is not None and before["stamp"] == stamp:
        return {**before}
    return {"stamp": stamp, "digest": digest_of(f"{path} {content_of(path)}" for path in files)}


def digest_of(lines: Iterable[str]) -> str:
    """SHA-256 of lines, which may have names that are no text."""
    return sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def stamp_of(path: Path) -> str:
    """Size and time of a file, or nothing where there is none."""
    try:
        about = path.stat()
    except OSError:
        return ""
    return f"{about.st_size} {about.st_mtime_ns}"


def content_of(path: Path) -> str:
    """SHA-256 of a file, or nothing where it cannot be read, as pictures are left out then."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
