"""Writing data sets of pictures with latents, safe to kill."""

import json
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.appending import RowFile
from olacore.data.header import Header, read_header, write_header
from olacore.data.records import ROW, STORED_ROW, InputFile, Source, checksum_rows
from olacore.data.storage import open_file
from olacore.errors import ConfigError, DataError, DTypeError, FileFormatError, ShapeError
from olacore.spaces import LatentSpace


class LatentWriter(RowFile):
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
    files : the files that the sources are in
    planned : (capacity,) of type `ROW`, the rows to come, kept in the file so that `read_plan` can give them

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
        files: Sequence[InputFile] = (),
        planned: np.ndarray | None = None,
        force: bool = False,
        resume: bool = False,
    ) -> None:
        path = Path(path)
        # Through JSON, because that is how settings come back from a file.
        plain = json.loads(json.dumps(settings or {}))
        height, width = size
        self.header = Header(space, (height, width), capacity, tuple(sources), recon, plain, tuple(files))

        def fill(file: h5py.File) -> None:
            write_header(file, self.header)
            if planned is not None:
                file["rows"][...] = _stored(planned)

        def check(file: h5py.File) -> None:
            check_same(path, read_header(file, path).describe(), self.header.describe())

        super().__init__(path, self.header.row_bytes * capacity, fill, check, force=force, resume=resume)

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
        stored = _stored(rows)
        stored["crc32"] = checksum_rows(stored, (given[name] for name in self.header.arrays))
        self.store(given | {"rows": stored}, count)


def read_plan(path: Path) -> tuple[Header, np.ndarray]:
    """The header of a latents file and all rows that it was made for, finished or not: (capacity,) of type `ROW`.

    Raises
    ------
    FileFormatError  if it is no such file, or was made without a plan
    """
    with open_file(path, locking=False) as file:
        header = read_header(file, path)
        stored = file["rows"][:]
    planned = np.empty(len(stored), ROW)
    for name in ROW.names or ():
        planned[name] = stored[name]
    if sum(entry.rows for entry in header.files) != header.capacity:
        raise FileFormatError(f"{path} does not say which rows it was made for; make it again.")
    return header, planned


def check_same(path: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise unless two descriptions of what a file is made for agree; the first difference is named with both values.

    Raises
    ------
    ConfigError  if they differ
    """
    for key in dict.fromkeys(chain(before, now)):
        if before.get(key) != now.get(key):
            values = f"{before.get(key)!r}, now it is {now.get(key)!r}"
            raise ConfigError(f"{path} was made with {key} {values}; use equal settings or start a new file.")


def _stored(rows: np.ndarray) -> np.ndarray:
    stored = np.zeros(len(rows), STORED_ROW)
    for name in ROW.names or ():
        stored[name] = rows[name]
    return stored
