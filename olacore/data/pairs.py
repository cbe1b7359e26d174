"""Writing plain pairs, schema `olacore/pairs/1`: row by row and safe to kill, or all at once."""

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.appending import RowFile
from olacore.data.header import check_schema
from olacore.data.records import PAIR_TYPES, PAIRS_SCHEMA
from olacore.data.storage import create_array, create_file
from olacore.data.writer import check_same
from olacore.errors import DataError, DTypeError, FileFormatError, ShapeError


class PairsWriter(RowFile):
    """Writes plain pairs; a kill costs only the rows of the append in hand.

    Parameters
    ----------
    path : of the file; `resume` starts it where it is missing, `force` replaces it
    shape : (in, out), numbers of an input and of a target, stored as float32
    split : (capacity,) uint8  0 train, 1 validation, 2 held-out, of all rows to come
    settings : how the rows are made, JSON types; a resumed file must have equal ones

    Raises
    ------
    OutputExistsError  if there is a file and neither `force` nor `resume`
    OutputError  if the file cannot be written, another writer has it, or there is no room
    ConfigError  if a resumed file was made with other settings
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
        self.shapes = dict(zip(("inputs", "targets"), shape, strict=True))
        self.capacity = len(split)
        self.row_bytes = 4 * sum(shape) + 1
        asked = json.loads(json.dumps({**self.shapes, "rows": self.capacity, **settings}))

        def fill(file: h5py.File) -> None:
            for name, width in self.shapes.items():
                create_array(file, name, (self.capacity, width), np.dtype(np.float32))
            create_array(file, "split", split.shape, split.dtype)
            file["split"][...] = split
            file.attrs["schema"] = PAIRS_SCHEMA
            file.attrs["settings"] = json.dumps(asked, sort_keys=True)
            file.attrs["complete"] = np.uint8(0)
            file.attrs["rows_valid"] = np.int64(0)

        def check(file: h5py.File) -> None:
            check_schema(file, path, PAIRS_SCHEMA)
            if "settings" not in file.attrs:
                raise FileFormatError(f"{path} was not made row by row and cannot be resumed; make it again.")
            check_same(path, json.loads(file.attrs["settings"]), asked)

        super().__init__(path, self.row_bytes * self.capacity, fill, check, force=force, resume=resume)

    def append(self, inputs: np.ndarray, targets: np.ndarray) -> None:
        """Add rows (m, in) and (m, out); when this returns they survive a kill.

        Raises
        ------
        ShapeError  if an array does not fit the file, or the file is full
        DataError  if a value is NaN or inf as float32
        """
        given = {"inputs": inputs, "targets": targets}
        if self.rows_valid + len(inputs) > self.capacity:
            raise ShapeError(f"{self.path} has room for {self.capacity} rows; got {self.rows_valid + len(inputs)}.")
        for name, array in given.items():
            if array.shape != (len(inputs), self.shapes[name]):
                raise ShapeError(f"{name} must be {(len(inputs), self.shapes[name])}; got {array.shape}.")
            with np.errstate(over="ignore"):
                given[name] = np.ascontiguousarray(array, np.float32)
            if not np.isfinite(given[name]).all():
                raise DataError(f"{name} must be finite as float32; rows from {self.rows_valid} hold NaN or inf.")
        if len(inputs):
            self.store(given, len(inputs))


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
    inputs : (n, in)  float16, float32 or float64
    targets : (n, out)  likewise
    split : (n,) uint8  0 train, 1 validation, 2 held-out; without it a reader cuts 80/10/10 in order

    Raises
    ------
    ShapeError, DTypeError  if the arrays do not fit each other
    DataError  if `split` has other values
    OutputExistsError, OutputError  if the file is there already or cannot be written
    """
    arrays = {"inputs": inputs, "targets": targets}
    for name, array in arrays.items():
        if array.ndim != 2 or 0 in array.shape or len(array) != len(inputs):
            raise ShapeError(f"{name} must be ({len(inputs)}, any); got {array.shape}.")
        if array.dtype not in PAIR_TYPES:
            raise DTypeError(f"{name} must be float16, float32 or float64; got {array.dtype}.")
    if split is not None:
        if split.shape != (len(inputs),) or split.dtype != np.uint8:
            raise ShapeError(f"split must be uint8 ({len(inputs)},); got {split.dtype} {split.shape}.")
        if split.max() > 2:
            raise DataError(f"split must hold 0, 1 and 2 only; got {split.max()}.")
        arrays["split"] = split

    def fill(file: h5py.File) -> None:
        file.attrs["schema"] = PAIRS_SCHEMA
        for name, array in arrays.items():
            create_array(file, name, array.shape, array.dtype)
            file[name][...] = array

    os.close(create_file(Path(path), sum(array.nbytes for array in arrays.values()), force, fill))
