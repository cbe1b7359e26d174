"""Writing data sets: `LatentWriter` for pictures with latents, safe to kill; `write_pairs` for the rest."""

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np

from olacore.data.header import Header, read_header, rows_valid_in, write_header
from olacore.data.schema import PAIR_TYPES, PAIRS_SCHEMA, ROW, STORED_ROW, LatentSpace, Source, checksum_rows
from olacore.data.storage import create_array, create_file, lock_file, open_file
from olacore.errors import ConfigError, DataError, DTypeError, ShapeError


class LatentWriter:
    """Writes a file of schema `olacore/latents/1`; a kill costs only the rows of the append in hand.

    Parameters
    ----------
    path : of the file; `resume` starts it where it is missing, `force` replaces it
    space : the latent space of the latents
    size : (H, W) of every picture
    capacity : rows to reserve room for
    sources : all photographs and scenes that rows may come from
    recon : whether the teacher's own decodings come too
    settings : how the rows are made, JSON types; a resumed file must have equal ones

    Attributes
    ----------
    rows_valid : rows that are safely in the file

    Raises
    ------
    OutputExistsError  if there is a file and neither `force` nor `resume`
    OutputError  if the file cannot be written, another writer has it, or there is no room
    ConfigError  if a resumed file was made with other settings
    """

    def __init__(
        self,
        path: str | Path,
        *,
        space: LatentSpace,
        size: tuple[int, int],
        capacity: int,
        sources: Sequence[Source],
        recon: bool = False,
        settings: dict[str, Any] | None = None,
        force: bool = False,
        resume: bool = False,
    ) -> None:
        if force and resume:
            raise ConfigError("a file is either resumed or forced to start anew; got both.")
        self.path = Path(path)
        # Through JSON, because that is how settings come back from a file.
        plain = json.loads(json.dumps(settings or {}))
        height, width = size
        self.header = Header(space, (height, width), capacity, tuple(sources), recon, plain)
        if resume and self.path.exists():
            self._lock = lock_file(self.path)
        else:
            needed = sum(dtype.itemsize * int(np.prod(shape)) for shape, dtype in self.header.arrays.values())
            needed = (needed + STORED_ROW.itemsize) * capacity
            self._lock = create_file(self.path, needed, force, lambda file: write_header(file, self.header))
        with ExitStack() as undo:
            undo.callback(os.close, self._lock)
            self._file = undo.enter_context(open_file(self.path, "r+", locking=False))
            _check_same(self.path, read_header(self._file, self.path), self.header)
            self.rows_valid = rows_valid_in(self._file)
            self._set("complete", 0)
            undo.pop_all()

    def append(
        self, frames: np.ndarray, latents: np.ndarray, rows: np.ndarray, recon: np.ndarray | None = None
    ) -> None:
        """Add rows; when this returns they survive a kill.

        Parameters
        ----------
        frames : (m, H, W, 3) uint8
        latents : (m, C, h, w)  any float, stored as float16
        rows : (m,)  of type `ROW`
        recon : (m, H, W, 3) uint8, if and only if the file has `/recon`

        Raises
        ------
        ShapeError, DTypeError  if an array does not fit the file, or the file is full
        DataError  if latents are not finite as float16, or a source is not in the list
        """
        given = {"frames": frames, "latents": latents} | ({} if recon is None else {"recon": recon})
        if given.keys() != self.header.arrays.keys():
            raise ShapeError(f"{self.path} stores {[*self.header.arrays]}; got {[*given]}.")
        count = len(rows)
        first, last = self.rows_valid, self.rows_valid + count
        if last > self.header.capacity:
            raise ShapeError(f"{self.path} has room for {self.header.capacity} rows; got {last}.")
        for name, (shape, dtype) in self.header.arrays.items():
            if given[name].shape != (count, *shape):
                raise ShapeError(f"{name} must be {(count, *shape)}; got {given[name].shape}.")
            if given[name].dtype.kind != dtype.kind:
                raise DTypeError(f"{name} must be {dtype}; got {given[name].dtype}.")
            with np.errstate(over="ignore"):
                given[name] = np.ascontiguousarray(given[name], dtype)
        if rows.dtype != ROW:
            raise DTypeError(f"rows must be of type ROW, {ROW}; got {rows.dtype}.")
        if np.any((rows["source"] < 0) | (rows["source"] >= len(self.header.sources))):
            raise DataError(f"rows name a source outside 0..{len(self.header.sources) - 1}.")
        broken = ~np.isfinite(given["latents"]).all(axis=(1, 2, 3))
        if broken.any():
            which = first + np.flatnonzero(broken)[:5]
            raise DataError(f"latents must be finite as float16; {broken.sum()} rows are not, first {which}.")

        if count == 0:
            return
        stored = np.zeros(count, STORED_ROW)
        for name in ROW.names or ():
            stored[name] = rows[name]
        stored["crc32"] = checksum_rows(stored, (given[name] for name in self.header.arrays))
        for name, array in (given | {"rows": stored}).items():
            self._file[name][first:last] = array
        self._flush()
        self._set("rows_valid", last)
        self.rows_valid = last

    def close(self, complete: bool = True) -> None:
        """Finish; `complete` says whether every row that was planned is there. Closing again does nothing."""
        if not self._file:
            return
        try:
            self._set("complete", int(complete))
            self._file.close()
        finally:
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(complete=kind is None)

    def _set(self, name: str, value: int) -> None:
        # `modify` writes in place; assignment would make a new attribute and move the old one.
        self._file.attrs.modify(name, np.asarray(value, self._file.attrs[name].dtype))
        self._flush()

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._lock)


def _check_same(path: Path, stored: Header, asked: Header) -> None:
    before, now = stored.describe(), asked.describe()
    for key in dict.fromkeys(chain(before, now)):
        if before.get(key) != now.get(key):
            values = f"{before.get(key)!r}, now it is {now.get(key)!r}"
            raise ConfigError(f"{path} was made with {key} {values}; use equal settings or start a new file.")


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
