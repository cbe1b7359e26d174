"""The data that are shipped, inside an installed package or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from olacore.errors import FileFormatError


def sample_path() -> Path:
    """Find the sample data set.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    return _shipped("sample.h5")


def words_path() -> Path:
    """Find the list of common English words, one a line, the most common first.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    return _shipped("words.txt")


def _shipped(name: str) -> Path:
    package = Path(__file__).parents[1]
    for path in (package / "sample" / name, package.parent / "datasets" / name):
        if path.exists():
            return path
    raise FileFormatError(f"the shipped file {name} is missing; install olacore again.")
