"""Checkpoints: everything that exact resume needs, in one HDF5 file that is either the old one or the new one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.errors import FileFormatError
from olacore.files import replacing

SCHEMA = "olacore/checkpoint/2"


def save_checkpoint(path: Path, arrays: dict[str, np.ndarray], settings: dict[str, Any]) -> None:
    """Write arrays and JSON settings; the previous checkpoint stays until the new one is on disk."""
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["schema"] = SCHEMA
        file.attrs["settings"] = json.dumps(settings, sort_keys=True)
        for name, array in arrays.items():
            file.create_dataset(name, data=array, track_times=False)


def load_checkpoint(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `save_checkpoint` wrote.

    Raises
    ------
    FileFormatError  if it is missing, damaged or of another schema
    """
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("schema") != SCHEMA:
                raise FileFormatError(
                    f"{path} has the schema {file.attrs.get('schema')!r}; this version resumes {SCHEMA!r}."
                )
            arrays = {name: np.asarray(data[()]) for name, data in file.items()}
            return arrays, json.loads(file.attrs["settings"])
    except FileFormatError:
        raise
    except (OSError, KeyError, ValueError) as error:
        raise FileFormatError(f"cannot resume from {path}: {error}.") from error


def is_checkpoint(path: Path) -> bool:
    """Tell whether an HDF5 file says that it is a checkpoint, of any version."""
    try:
        with h5py.File(path, "r") as file:
            return str(file.attrs.get("schema", "")).startswith("olacore/checkpoint/")
    except OSError:
        return False
