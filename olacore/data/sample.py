"""The data that are shipped, inside an installed package or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from olacore.files import shipped_file


def sample_path() -> Path:
    """Find the sample data set.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    return shipped_file("sample.h5")


def words_path() -> Path:
    """Find the list of common English words, one a line, the most common first.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    return shipped_file("words.txt")
