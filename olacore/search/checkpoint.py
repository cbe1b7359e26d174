"""Checkpoints: everything that exact resume needs, in one file that is either the old one or the new one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import FileFormatError
from olacore.files import replace_file
from olacore.modules.tensor_file import TensorFile, content_in, open_sealed, seal

KIND = "olacore/checkpoint/"
SCHEMA = f"{KIND}3"


def save_checkpoint(path: Path, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> None:
    """Write arrays and JSON settings; the previous checkpoint stays until the new one is on disk."""
    replace_file(path, seal(arrays, {"schema": SCHEMA, "settings": settings}))


@contextmanager
def open_checkpoint(path: Path) -> Iterator[tuple[TensorFile, dict[str, Any]]]:
    """Open what `save_checkpoint` wrote, checked to its last bit, and give its settings; no array is in memory yet.

    Raises
    ------
    FileFormatError  if it is missing, damaged or of another schema
    """
    with open_sealed(path) as file:
        schema, settings = file.content.get("schema"), file.content.get("settings")
        if schema != SCHEMA or not isinstance(settings, dict):
            raise FileFormatError(f"{path} has the schema {schema!r}; this version resumes {SCHEMA!r}.")
        yield file, settings


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_checkpoint` wrote, whatever its arrays are.

    Raises
    ------
    FileFormatError  as `open_checkpoint`
    """
    with open_checkpoint(path) as (file, settings):
        return file.load(), settings


def is_checkpoint(path: Path) -> bool:
    """Tell whether a file says that it is a checkpoint, of any version."""
    try:
        return str(content_in(path).get("schema")).startswith(KIND)
    except FileFormatError:
        return False
