"""What every data set offers, wherever its rows come from: named fields, read by row; splits; a digest."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from olacore.data.forms import Form
from olacore.data.offsets import PIECE_BYTES
from olacore.data.records import SPLITS, InputFile, Source
from olacore.errors import DataError
from olacore.spaces import LatentSpace

# Shape of an entry and type of each field.
Layout = dict[str, tuple[tuple[int, ...], np.dtype]]


@dataclass(frozen=True)
class Contents:
    """What is known of a data set before any row is read.

    Parameters
    ----------
    form : of its files
    split : (count,) uint8  0 train, 1 validation, 2 held-out
    layout : of every field that can be read
    sizes : of the words in the form's shapes
    space : latent space of the latents; None where the form has none
    sources : of all files one after the other; `rows["source"]` counts in this list
    files : what the rows were made of, of all data files one after the other
    settings : how the rows of the first data file were made
    paths : data files
    complete : whether every file was finished by its writer
    captions : of each source, where the form has captions of their own
    caption_sums : (k,) uint32, checksums of all captions and what belongs to them
    chosen : whether a row is read with one of its source's captions, instead of a certain one
    """

    form: Form
    split: np.ndarray
    layout: Layout
    sizes: Mapping[str, int]
    space: LatentSpace | None = None
    sources: list[Source] = field(default_factory=list)
    files: list[InputFile] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    paths: tuple[Path, ...] = ()
    complete: bool = True
    captions: list[tuple[str, ...]] = field(default_factory=list)
    caption_sums: np.ndarray = field(default_factory=lambda: np.empty(0, np.uint32))
    chosen: bool = True


class Dataset(ABC):
    """Rows of named fields; made by `open_dataset`, closed as a context manager.

    Parameters
    ----------
    contents : all that the attributes say, as one value

    Attributes
    ----------
    contents : all that follows, as one value
    form, kind : of its files; "latents" and "pairs" are kinds
    count : valid rows
    space, size, latent_shape : LatentSpace, (H, W), (C, h, w); None where the form has none
    inputs, outputs : dimensions of pairs; None for other forms
    sources, captions, split, files, settings, complete : see `Contents`
    file_count : data files
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.form = contents.form
        self.kind = contents.form.kind
        self.count = len(contents.split)
        self.space = contents.space
        sizes = contents.sizes
        self.size = (sizes["H"], sizes["W"]) if {"H", "W"} <= sizes.keys() else None
        self.latent_shape = (sizes["C"], sizes["h"], sizes["w"]) if {"C", "h", "w"} <= sizes.keys() else None
        self.inputs, self.outputs = sizes.get("in"), sizes.get("out")
        self.sources, self.split, self.files = contents.sources, contents.split, contents.files
        self.captions = contents.captions
        self.settings, self.file_count, self.complete = contents.settings, len(contents.paths), contents.complete

    @abstractmethod
    def read(
        self, fields: Sequence[str], indices: np.ndarray, *, checked: bool = True, choice: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Read rows of several fields, in the order asked for.

        Parameters
        ----------
        fields : names of fields: "frames", "latents", "recon", or "inputs", "targets", or what else the form has;
            "rows" where it names sources; "captions" where it has them, as UTF-8 text of a fixed width
        indices : (m,) integers in [0, count), in any order
        checked : compare each row with its checksum the first time that it is read. A checksum is over all fields, so
            those that were not asked for are read too, that once
        choice : (m,) integers from 0 on, which of its captions a row is read with, modulo how many it has; by default
            the first

        Returns
        -------
        for each name (m, ...), in the type that the form names

        Raises
        ------
        DataError  if a field or a row does not exist
        FileFormatError  if the file is damaged there; the row is named
        """

    @abstractmethod
    def verify(self) -> list[int]:
        """The rows whose content no longer has the checksum it was written with; pairs have none to check."""

    @abstractmethod
    def close(self) -> None:
        """Close the files."""

    def indices(self, split: str) -> np.ndarray:
        """The rows of "train", "validation" or "held-out": (m,) int64, sorted.

        Raises
        ------
        DataError  if there is no such split
        """
        if split not in SPLITS:
            raise DataError(f"a split is one of {SPLITS}; got {split!r}.")
        return np.flatnonzero(self.split == SPLITS.index(split))

    def has(self, field: str) -> bool:
        """Whether every file has the field."""
        return field in self.contents.layout

    def chooses(self, fields: Sequence[str]) -> bool:
        """Whether a picture has several captions, and some of these fields depend on which one a row is read with."""
        apart = {"captions", *(spec.name for spec in self.form.fields if spec.per == "caption")}
        several = self.contents.chosen and any(len(one) > 1 for one in self.captions)
        return several and not apart.isdisjoint(fields)

    def is_float(self, field: str) -> bool:
        """Whether a field holds floats, and so may hold NaN or inf."""
        return self.layout_of(field)[1].kind == "f"

    def layout_of(self, field: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape of an entry of a field, and its type.

        Raises
        ------
        DataError  if a file does not have it
        """
        if not self.has(field):
            files = ", ".join(map(str, self.contents.paths))
            raise DataError(f"expected /{field} in every file; {files} have only {[*self.contents.layout]} in common.")
        return self.contents.layout[field]

    def row_bytes(self, fields: Sequence[str]) -> int:
        """Bytes that one row of these fields takes in memory."""
        layouts = [self.layout_of(name) for name in fields]
        return sum(dtype.itemsize * int(np.prod(shape)) for shape, dtype in layouts)

    def digest(self) -> str:
        """SHA-256 of latent space, checksums and split; where there are no checksums, of the content as it is read."""
        digest = hashlib.sha256()
        named = [self.kind, *self.contents.sizes.values()]
        digest.update((self.space.fingerprint if self.space else " ".join(map(str, named))).encode())
        names = ("rows",) if self.form.sourced else tuple(self.contents.layout)
        for name in names:
            step = max(1, PIECE_BYTES // self.row_bytes([name]))
            for start in range(0, self.count, step):
                values = self.read([name], np.arange(start, min(start + step, self.count)))[name]
                digest.update((values["crc32"] if name == "rows" else values).tobytes())
        digest.update(self.split.tobytes())
        digest.update(self.contents.caption_sums.tobytes())
        return digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
