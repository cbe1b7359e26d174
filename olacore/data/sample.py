"""The data set that is shipped, inside an installed package or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from olacore.errors import FileFormatError


def sample_path() -> Path:
    """Find the sample data set.

    Raises
    ------
    FileFormatError  if it is in neither place
    """
    package = Path(__file__).parents[1]
    for path in (package / "sample" / "sample.h5", package.parent / "datasets" / "sample.h5"):
        if path.exists():
            return path
    raise FileFormatError("the sample data set sample.h5 is missing; install olacore again.")
