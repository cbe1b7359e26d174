"""Writing data sets of any form, safe to kill; and of pictures with latents in particular."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.appending import RowFile, require_room
from olacore.data.forms import CAPTION, LATENTS, FieldSpec
from olacore.data.header import Header, read_header, rows_valid_in, write_header
from olacore.data.records import ROW, STORED_ROW, InputFile, Source, checksum_rows, checksums, pack_captions
from olacore.data.storage import open_file
from olacore.errors import ConfigError, DataError, DTypeError, FileFormatError, ShapeError
from olacore.foreign.names import counted
from olacore.spaces import LatentSpace

Arrays = Mapping[str, np.ndarray]


class Writer(RowFile):
    """Writes a file of the header's form; a kill costs only the rows of the append in hand.

    Parameters
    ----------
    path : of the file; `resume` starts it where it is missing, `force` replaces it
    header : what the file is made for
    planned : of all rows to come, as far as they are known: (capacity,) of type `ROW`, which `read_plan` gives back;
        for a form without sources uint8, the split
    of_sources : gives the fields that have an entry for each source; called when the file is made
    force, resume : what to do where there is a file: replace it, or go on behind its last whole row

    Attributes
    ----------
    rows_valid : rows that are safely in the file
    captions_valid : captions of which that is true, all that these rows have
    per_source : the fields of the file that have an entry for each source

    Raises
    ------
    OutputExistsError  if there is a file and neither `force` nor `resume`
    OutputError  if the file cannot be written, another writer has it, or there is no room
    ConfigError  if a resumed file was made with other settings
    """

    def __init__(
        self,
        path: str | Path,
        header: Header,
        planned: np.ndarray | None = None,
        of_sources: Callable[[], Arrays] = dict,
        *,
        force: bool = False,
        resume: bool = False,
    ) -> None:
        path = Path(path)
        self.header = header
        self.per_source: dict[str, np.ndarray] = {}
        self._texts = pack_captions(header.captions)[0] if header.form.captioned else np.empty(0, "S1")

        def fill(file: h5py.File) -> None:
            write_header(file, header)
            if planned is not None:
                name, values = ("rows", _stored(planned)) if header.form.sourced else ("split", planned)
                file[name][...] = values
            for name, array in self._checked(of_sources(), len(header.sources), "source").items():
                file[name][...] = array

        def check(file: h5py.File) -> Header:
            found = read_header(file, path)
            check_same(path, found.describe(), header.describe())
            own = ["rows" if header.form.sourced else "split", *(["caption_sums"] if header.form.captioned else [])]
            require_room(file, path, [*header.arrays, *own])
            self.per_source = {name: file[name][:] for name in header.named("source")}
            valid = slice(0, rows_valid_in(file, path, found))
            rows = file["rows"].fields("source")[valid] if header.form.captioned else np.empty(0, np.int32)
            numbers = file[CAPTION][valid] if CAPTION in header.arrays else None
            self.captions_valid = self.captions_of(rows, numbers)
            return found

        super().__init__(path, header.all_bytes, fill, check, force=force, resume=resume)

    def captions_of(self, sources: np.ndarray, numbers: np.ndarray | None = None) -> int:
        """How many captions, counted from the first, there have to be for rows to have theirs.

        Parameters
        ----------
        sources : (m,) of the rows
        numbers : (m,) of the captions of the rows, where the form says of each row which it has
        """
        own = [] if numbers is None else numbers.tolist()
        found = self.header.captions.of_sources if numbers is None else ()
        return 1 + max([-1, *own, *(max(found[source]) for source in set(sources.tolist()) if found)])

    def add(self, arrays: Arrays, rows: np.ndarray | None = None, captions: Arrays | None = None) -> None:
        """Add rows; when this returns they survive a kill.

        Parameters
        ----------
        arrays : each field that the file has for every row: (m, ...)
        rows : (m,)  of type `ROW`, if and only if the form names sources
        captions : each field that the file has for every caption, of those from `captions_valid` on that the rows need

        Raises
        ------
        ShapeError, DTypeError  if an array does not fit the file, or the file is full
        DataError  if numbers are not finite as they are stored, or a source is not in the list
        """
        header = self.header
        count = len(next(iter(arrays.values())) if rows is None else rows)
        last = self.rows_valid + count
        given = self._checked(arrays, count, "row")
        if last > header.capacity:
            raise ShapeError(f"{self.path} has room for {header.capacity} rows; got {last}.")
        if count == 0:
            return
        beside: dict[str, tuple[int, np.ndarray]] = {}
        if header.form.sourced:
            given["rows"] = self._entries(given, rows)
            beside = self._of_captions(given, captions or {})
        self.store(given, count, beside)
        self.captions_valid += len(next(iter(beside.values()))[1]) if beside else 0

    def _of_captions(self, given: Arrays, captions: Arrays) -> dict[str, tuple[int, np.ndarray]]:
        """The fields of new captions with their checksums, and where they begin; the rows have to need all of them."""
        names, first = self.header.named("caption"), self.captions_valid
        if not names:
            return {}
        count = max(0, self.captions_of(given["rows"]["source"], given.get(CAPTION)) - first)
        if not count and not captions:
            return {}
        new = self._checked(captions, count, "caption")
        new["caption_sums"] = checksums([self._texts[first : first + count], *(new[name] for name in names)])
        return {name: (first, array) for name, array in new.items()}

    def _entries(self, given: Arrays, rows: np.ndarray | None) -> np.ndarray:
        """The entries in `/rows`, with the checksum of everything that a reader finds of a row."""
        if rows is None or rows.dtype != ROW:
            raise DTypeError(f"rows must be of type ROW, {ROW}; got {None if rows is None else rows.dtype}.")
        if np.any((rows["source"] < 0) | (rows["source"] >= len(self.header.sources))):
            raise DataError(f"rows name a source outside 0..{len(self.header.sources) - 1}.")
        stored = _stored(rows)
        shared = self.per_source
        parts = (shared[name][rows["source"]] if name in shared else given[name] for name in self.header.summed)
        stored["crc32"] = checksum_rows(stored, parts)
        return stored

    def _checked(self, arrays: Arrays, count: int, per: str) -> dict[str, np.ndarray]:
        """Arrays as they are stored, or say what does not fit."""
        wanted = [spec for spec in self.header.fields if spec.per == per]
        if arrays.keys() != {spec.name for spec in wanted}:
            raise ShapeError(f"{self.path} stores {[spec.name for spec in wanted]}; got {[*arrays]}.")
        return {spec.name: self._as_stored(spec, arrays[spec.name], count) for spec in wanted}

    def _as_stored(self, spec: FieldSpec, array: np.ndarray, count: int) -> np.ndarray:
        shape, dtype = self.header.arrays[spec.name]
        if array.shape != (count, *shape):
            raise ShapeError(f"{spec.name} must be {(count, *shape)}; got {array.shape}.")
        if not spec.takes(array.dtype):
            raise DTypeError(f"{spec.name} must be {dtype}; got {array.dtype}.")
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(array, dtype)
        if spec.finite and dtype.kind == "f":
            broken = ~np.isfinite(stored).all(axis=tuple(range(1, stored.ndim)))
            if broken.any():
                # Sources are written when the file is made, before anything is counted.
                first = 0 if spec.per == "source" else self.rows_valid if spec.per == "row" else self.captions_valid
                which = first + np.flatnonzero(broken)[:5]
                what = (
                    f"{counted(int(broken.sum()), spec.per)} {'is' if broken.sum() == 1 else 'are'} not, first {which}"
                )
                raise DataError(f"{spec.name} must be finite as {dtype}; {what}.")
        return stored


class LatentWriter(Writer):
    """Writes a file of schema `olacore/latents/1`.

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
    force, resume : what to do where there is a file: replace it, or go on behind its last whole row

    Raises
    ------
    OutputExistsError, OutputError, ConfigError  as `Writer` does
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
        optional = ("recon",) if recon else ()
        sizes = dict(zip("HW", size, strict=True))
        header = Header(LATENTS, sizes, capacity, space, tuple(sources), optional, settings or {}, tuple(files))
        super().__init__(path, header, planned, force=force, resume=resume)

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
        ShapeError, DTypeError, DataError  as `Writer.add` does
        """
        self.add({"frames": frames, "latents": latents} | ({} if recon is None else {"recon": recon}), rows)


def read_plan(path: Path) -> tuple[Header, np.ndarray]:
    """The header of a file and all rows that it was made for, finished or not: (capacity,) of type `ROW`.

    Parameters
    ----------
    path : of the file

    Raises
    ------
    FileFormatError  if it is no data file, or was made without a plan
    """
    with open_file(path, locking=False) as file:
        header = read_header(file, path)
        stored = file["rows"][:] if header.form.sourced else np.empty(0, STORED_ROW)
    planned = np.empty(len(stored), ROW)
    for name in ROW.names or ():
        planned[name] = stored[name]
    if sum(entry.rows for entry in header.files) != len(planned) or not len(planned):
        raise FileFormatError(f"{path} does not say which rows it was made for; make it again.")
    least = {"source": 0, "top": 0, "left": 0, "height": 1, "width": 1}
    known = planned["source"] < len(header.sources)
    if not known.all() or any(planned[name].min() < value for name, value in least.items()):
        raise FileFormatError(f"{path} was made for rows that no picture can give; make it again.")
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
