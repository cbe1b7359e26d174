"""The files that make up a data set: each opened and checked, then checked against the others."""

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from olacore.data.arrays import require_array
from olacore.data.dataset import Layout
from olacore.data.forms import CAPTION
from olacore.data.header import Header, is_complete, read_header, rows_valid_in
from olacore.data.inflate import require_chunk_size
from olacore.data.offsets import GAP_BYTES, PIECE_BYTES, Places, bytes_of_row, find_pieces, find_places, read_places
from olacore.data.records import SPLITS, STORED_ROW, checksum_rows, checksums, pack_captions
from olacore.errors import DataError, FileFormatError, FingerprintError, ShapeError
from olacore.spaces import require_same

logger = logging.getLogger(__name__)

# A read through HDF5 costs about as much as copying 256 KiB.
HDF5_GAP_BYTES = 1 << 18


@dataclass(frozen=True)
class Part:
    """One open file; `first` and `first_source` count the rows and sources of the files before it."""

    path: Path
    file: h5py.File
    header: Header
    count: int
    split: np.ndarray
    complete: bool
    first: int = 0
    first_source: int = 0
    _places: dict[str, Places | None] = field(default_factory=dict)
    _unpacked: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    _sound: np.ndarray = field(default_factory=lambda: np.empty(0, bool))
    _captions: dict[int, bool] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """Shape of an entry and type of everything that can be read of a row."""
        own: Layout = {"rows": ((), STORED_ROW)} if self.header.form.sourced else {}
        return self.header.arrays | own | ({"captions": ((), self.texts.dtype)} if self.header.form.captioned else {})

    @cached_property
    def texts(self) -> np.ndarray:
        """All captions: (k,) UTF-8 text of a fixed width."""
        return pack_captions(self.header.captions)[0]

    @property
    def caption_sums(self) -> np.ndarray:
        """Checksums of all captions: (k,) uint32."""
        sums = np.empty(len(self.header.captions.texts), np.uint32)
        if len(sums):
            self._read("caption_sums", np.arange(len(sums)), sums)
        return sums

    def captions_of(self, rows: np.ndarray, choice: np.ndarray) -> np.ndarray:
        """The number of the caption of each of some sorted rows.

        Parameters
        ----------
        choice : (m,) which one, counted modulo how many the source of the row has
        """
        if CAPTION in self.header.arrays:
            numbers = np.empty(len(rows), np.int32)
            self._read(CAPTION, rows, numbers)
            return numbers.astype(np.int64)
        entries = np.empty(len(rows), STORED_ROW)
        self._read("rows", rows, entries)
        found = self.header.captions.of_sources
        pairs = zip(entries["source"].tolist(), choice.tolist(), strict=True)
        return np.array([found[source][number % len(found[source])] for source, number in pairs], np.int64)

    def announce(self, name: str, rows: np.ndarray) -> None:
        """Tell the system which rows are read next, so that it fetches them side by side instead of one by one."""
        with self._damage_named(name, rows):
            places = self._places_of(name)
            if places is None or name in self._apart or not hasattr(os, "posix_fadvise"):
                return
            found, row_bytes = places(rows), bytes_of_row(self.file[name])
            for begin, end in find_pieces(found, row_bytes, GAP_BYTES):
                length = int(found[end - 1] - found[begin]) + row_bytes
                os.posix_fadvise(self.file.id.get_vfd_handle(), int(found[begin]), length, os.POSIX_FADV_WILLNEED)

    def read(self, name: str, rows: np.ndarray, out: np.ndarray, choice: np.ndarray | None = None) -> None:
        """Read sorted rows of this file into `out` (m, ...), which may be of another type of number.

        Parameters
        ----------
        choice : which of its captions a row is read with, see `captions_of`; by default the first

        Raises
        ------
        FileFormatError  if the file is damaged there
        """
        if name in self._apart:
            if name in self.header.named("source"):
                entries = np.empty(len(rows), STORED_ROW)
                self._read("rows", rows, entries)
                numbers = entries["source"].astype(np.int64)
            else:
                numbers = self.captions_of(rows, np.zeros(len(rows), np.int64) if choice is None else choice)
            if name == "captions":
                out[...] = self.texts[numbers]
                return
            numbers, back = np.unique(numbers, return_inverse=True)
            found = np.empty((len(numbers), *out.shape[1:]), out.dtype)
            self._read(name, numbers, found)
            out[...] = found[back]
        else:
            self._read(name, rows, out)

    def check(self, rows: np.ndarray, found: Mapping[str, np.ndarray]) -> None:
        """Compare sorted rows with their checksums, each of them once.

        Parameters
        ----------
        found : fields that were read of them, (m, ...) each; a checksum is of all fields, so the others are read now

        Raises
        ------
        FileFormatError  naming the first row that is damaged
        """
        if not self.header.form.sourced:
            return
        left = np.flatnonzero(~self._sound[rows])
        step = max(1, PIECE_BYTES // self.header.row_bytes)
        for start in range(0, len(left), step):
            some = left[start : start + step]
            # In a first pass all are left, and nothing has to be copied.
            here = slice(some[0], some[-1] + 1) if some[-1] - some[0] < len(some) else some
            damaged = self.differ(rows[some], {name: array[here] for name, array in found.items()})
            if damaged.any():
                row = rows[some][damaged][0]
                what = "its content does not have the checksum that it was written with"
                raise FileFormatError(f"row {row} of {self.path} is damaged: {what}; copy or make the file again.")
            self._sound[rows[some]] = True

    def differ(self, rows: np.ndarray, found: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which of some sorted rows, or of their captions, do not have the checksum that they were written with: (m,)
        bool.
        """
        wanted = ("rows", *self.header.summed)
        left = {name: layout for name, layout in self.layout.items() if name in wanted and name not in found}
        for name in left:
            self.announce(name, rows)
        arrays = dict(found)
        for name, (shape, dtype) in left.items():
            arrays[name] = np.empty((len(rows), *shape), dtype)
            self.read(name, rows, arrays[name])
        entries = arrays["rows"]
        damaged = checksum_rows(entries, [arrays[name] for name in self.header.summed]) != entries["crc32"]
        return damaged | self._differ_in_captions(rows, entries) if self.header.form.captioned else damaged

    def _differ_in_captions(self, rows: np.ndarray, entries: np.ndarray) -> np.ndarray:
        if CAPTION in self.header.arrays:
            of_rows = [(number,) for number in self.captions_of(rows, np.zeros(len(rows), np.int64)).tolist()]
        else:
            of_rows = [self.header.captions.of_sources[source] for source in entries["source"].tolist()]
        new = sorted({number for one in of_rows for number in one} - self._captions.keys())
        names = self.header.named("caption")
        layouts = [((), np.dtype(np.uint32)), *(self.header.arrays[name] for name in names)]
        size = sum(dtype.itemsize * math.prod(shape) for shape, dtype in layouts)
        step = max(1, PIECE_BYTES // size)
        for start in range(0, len(new), step):
            numbers = np.array(new[start : start + step], np.int64)
            arrays = [np.empty((len(numbers), *shape), dtype) for shape, dtype in layouts]
            for name, array in zip(("caption_sums", *names), arrays, strict=True):
                self._read(name, numbers, array)
            sound = checksums([self.texts[numbers], *arrays[1:]]) == arrays[0]
            self._captions.update(zip(numbers.tolist(), sound.tolist(), strict=True))
        return np.array([not all(self._captions[number] for number in one) for one in of_rows], bool)

    def _read(self, name: str, rows: np.ndarray, out: np.ndarray) -> None:
        with self._damage_named(name, rows):
            array, places = self.file[name], self._places_of(name)
            if places is not None:
                read_places(self.file.id.get_vfd_handle(), places(rows), array.dtype, out)
                return
            row_bytes = bytes_of_row(array)
            for begin, end in find_pieces(rows * row_bytes, row_bytes, HDF5_GAP_BYTES):
                start = rows[begin]
                require_chunk_size(array, int(start), int(rows[end - 1]) + 1, self._unpacked.setdefault(name, set()))
                with np.errstate(over="ignore"):
                    found = array[start : rows[end - 1] + 1][rows[begin:end] - start]
                    out[begin:end] = found.reshape(out[begin:end].shape)

    @cached_property
    def _apart(self) -> set[str]:
        """What has no entry of its own for each row."""
        return {"captions", *self.header.named("source"), *self.header.named("caption")}

    def _places_of(self, name: str) -> Places | None:
        if name not in self._places:
            self._places[name] = find_places(self.file[name])
        return self._places[name]

    @contextmanager
    def _damage_named(self, name: str, rows: np.ndarray) -> Iterator[None]:
        try:
            yield
        except FileFormatError:
            raise
        except (OSError, RuntimeError) as error:
            where = f"rows {rows[0]} to {rows[-1] + 1} of /{name} in {self.path}"
            raise FileFormatError(f"{where} cannot be read: {error}; copy the file again.") from error


def open_part(path: Path, file: h5py.File) -> Part:
    try:
        header = read_header(file, path)
        count = rows_valid_in(file, path, header)
        if header.form.sourced:
            splits = np.array([SPLITS.index(source.split) for source in header.sources], np.uint8)
            split = splits[file["rows"].fields("source")[:count]]
        else:
            split = _split_in(file, path, header.capacity)[:count]
        part = Part(path, file, header, count, split, is_complete(file, path, header), _sound=np.zeros(count, bool))
    except (KeyError, RuntimeError, OSError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{path} is damaged: {error}; copy it again.") from error
    if part.count == 0:
        raise DataError(f"{path} has no finished row; let its writer go on first.")
    return part


def _split_in(file: h5py.File, path: Path, count: int) -> np.ndarray:
    if "split" in file:
        split = require_array(file, path, "split", (count,), (np.dtype(np.uint8),))[:]
        if split.max() >= len(SPLITS):
            raise DataError(f"/split in {path} must hold 0, 1 and 2 only; got {split.max()}.")
        return split
    tenth = max(1, count // 10) if count >= len(SPLITS) else 0
    return np.repeat(np.arange(3, dtype=np.uint8), (count - 2 * tenth, tenth, tenth))


def check_agree(one: Part, other: Part) -> None:
    forms = one.header.form, other.header.form
    if forms[0] != forms[1]:
        kinds = f"{one.path} holds {forms[0].kind}, {other.path} {forms[1].kind}"
        raise FileFormatError(f"files must be of one form; {kinds}.")
    ours, theirs = one.header.space, other.header.space
    require_same(str(one.path), ours, str(other.path), theirs, then="give files of one latent space")
    sizes = [(part.header.sizes.get("H"), part.header.sizes.get("W")) for part in (one, other)]
    if sizes[0] != sizes[1]:
        files = f"{one.path} has {sizes[0]}, {other.path} has {sizes[1]}"
        raise ShapeError(f"files must have pictures of one size; {files}.")
    makers = [text_maker(part.header.settings) for part in (one, other)]
    if makers[0] != makers[1]:
        files = f"{one.path} has those of {makers[0]}, {other.path} of {makers[1]}"
        raise FingerprintError(f"files must have embeddings of one text teacher; {files}.")
    for name in (name for name in one.header.arrays if name in other.header.arrays):
        widths = [" x ".join(map(str, part.header.arrays[name][0])) for part in (one, other)]
        if widths[0] != widths[1]:
            files = f"{widths[0]} wide in {one.path} and {widths[1]} in {other.path}"
            raise ShapeError(f"/{name} must be equally wide in all files; it is {files}.")


def text_maker(settings: Mapping[str, Any]) -> str | None:
    """Who made the embeddings of a file, by name and by the start of the fingerprint; None where it does not say."""
    if "text_sha256" not in settings:
        return None
    return f"{settings.get('text_teacher')} ({str(settings['text_sha256'])[:12]})"


def warn_of_leaks(parts: Sequence[Part]) -> None:
    split_of: dict[str, str] = {}
    for part in parts:
        for source in part.header.sources:
            if split_of.setdefault(source.name, source.split) != source.split:
                splits = f"{split_of[source.name]} and {source.split}"
                logger.warning("%s is in %s: held-out figures may flatter.", source.name, splits)
