"""Writing plain pairs, schema `olacore/pairs/1`: row by row and safe to kill, or all at once."""

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.forms import PAIRS
from olacore.data.header import Header
from olacore.data.storage import create_array, create_file
from olacore.data.writer import Writer
from olacore.errors import DataError, DTypeError, ShapeError


class PairsWriter(Writer):
    """Writes plain pairs; a kill costs only the rows of the append in hand.

    Parameters
    ----------
    path : of the file; `resume` starts it where it is missing, `force` replaces it
    shape : (in, out), numbers of an input and of a target, stored as float32
    split : (capacity,) uint8  0 train, 1 validation, 2 held-out, of all rows to come
    settings : how the rows are made, JSON types; a resumed file must have equal ones
    force, resume : what to do where there is a file: replace it, or go on behind its last whole row

    Raises
    ------
    OutputExistsError, OutputError, ConfigError  as `Writer` does
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int],
        split: np.ndarray,
        settings: dict[str, Any],
        *,
        force: bool = False,
        resume: bool = False,
    ) -> None:
        sizes = dict(zip(("in", "out"), shape, strict=True))
        super().__init__(path, Header(PAIRS, sizes, len(split), settings=settings), split, force=force, resume=resume)

    def append(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Add rows (m, in) and (m, out); when this returns they survive a kill.

        Raises
        ------
        ShapeError  if an array does not fit the file, or the file is full
        DataError  if a value is NaN or inf as float32
        """
        self.add({"inputs": inputs, "targets": targets})


def write_pairs(
    path: str | Path,
    inputs: np.ndarray,
    targets: np.ndarray,
    split: np.ndarray | None = None,
    *,
    force: bool = False,
) -> None:
    """Write plain pairs, schema `olacore/pairs/1`.

    Parameters
    ----------
    path : of the file
    inputs : (n, in)  float16, float32 or float64
    targets : (n, out), or (n,) for one number each, likewise
    split : (n,) uint8  0 train, 1 validation, 2 held-out; without it a reader cuts 80/10/10 in order
    force : replace a file that is there

    Raises
    ------
    ShapeError, DTypeError  if the arrays do not fit each other
    DataError  if `split` has other values
    OutputExistsError, OutputError  if the file is there already or cannot be written
    """
    arrays = {"inputs": inputs, "targets": targets[:, None] if targets.ndim == 1 else targets}
    for name, array in arrays.items():
        if array.ndim != 2 or 0 in array.shape or len(array) != len(inputs):
            raise ShapeError(f"{name} must be ({len(inputs)}, any); got {array.shape}.")
        if array.dtype not in PAIRS.first.types:
            raise DTypeError(f"{name} must be float16, float32 or float64; got {array.dtype}.")
    if split is not None:
        if split.shape != (len(inputs),) or split.dtype != np.uint8:
            raise ShapeError(f"split must be uint8 ({len(inputs)},); got {split.dtype} {split.shape}.")
        if split.max() > 2:
            raise DataError(f"split must hold 0, 1 and 2 only; got {split.max()}.")
        arrays["split"] = split

    def fill(file: h5py.File) -> None:
        file.attrs["schema"] = PAIRS.schema
        for name, array in arrays.items():
            create_array(file, name, array.shape, array.dtype)
            file[name][...] = array

    os.close(create_file(Path(path), sum(array.nbytes for array in arrays.values()), force, fill))
