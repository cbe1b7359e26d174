"""Digests of sources and files, which say whether a kept measurement is of what is there now."""

from __future__ import annotations

import hashlib
from pathlib import Path

import olacore
from olacore.errors import ConfigError

PACKAGES = Path(olacore.__file__).parents[1]


def code_digest(*patterns: str) -> str:
    """Eight digits that change with the sources that decide about a measurement.

    Parameters
    ----------
    patterns : of files below the folder of our packages, such as `olacore/kernels/**/*.py`

    Raises
    ------
    ConfigError  if a pattern matches no file, as after a move: the digest would no longer change with the sources
    """
    files: set[Path] = set()
    for pattern in patterns:
        found = set(PACKAGES.glob(pattern))
        if not found:
            raise ConfigError(
                f"the pattern {pattern} has to match source files and matches none; name the place they moved to."
            )
        files |= found
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()[:8]


def file_digest(path: Path) -> str:
    """SHA-256 of a file; empty where it is missing."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
