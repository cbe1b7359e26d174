"""Reading data sets: one or several files of one form and one latent space, seen as a single list of rows."""

import hashlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from olacore.data.offsets import PIECE_BYTES
from olacore.data.open_file import Part, check_agree, open_part, warn_of_leaks
from olacore.data.records import SPLITS, STORED_ROW, InputFile, Source, checksum_rows
from olacore.data.shards import expand_folders
from olacore.data.storage import open_file
from olacore.errors import DataError
from olacore.spaces import LatentSpace


class Dataset:
    """The rows of one or several open files; made by `open_dataset`, closed as a context manager.

    Attributes
    ----------
    kind : "latents" or "pairs"
    count : valid rows over all files
    space, size, latent_shape : LatentSpace, (H, W), (C, h, w); None for pairs
    inputs, outputs : dimensions of pairs; None for latents
    sources : of all files one after the other; `rows["source"]` counts in this list
    files : what the rows were made of, of all data files one after the other
    settings : how the rows of the first data file were made
    split : (count,) uint8  0 train, 1 validation, 2 held-out
    file_count : data files
    complete : whether every file was finished by its writer
    """

    def __init__(self, parts: Sequence[Part], resources: ExitStack) -> None:
        self._parts = parts
        self._resources = resources
        header = parts[0].header
        fields = parts[0].fields
        self.kind: Literal["latents", "pairs"] = "pairs" if header is None else "latents"
        self.count = sum(part.count for part in parts)
        self.space: LatentSpace | None = header.space if header else None
        self.size = header.size if header else None
        self.latent_shape = header.latent_shape if header else None
        self.inputs: int | None = fields["inputs"].shape[1] if header is None else None
        self.outputs: int | None = fields["targets"].shape[1] if header is None else None
        self.sources: list[Source] = [s for part in parts if part.header for s in part.header.sources]
        self.split = np.concatenate([part.split for part in parts])
        self.files: list[InputFile] = [f for part in parts if part.header for f in part.header.files]
        self.settings: dict[str, Any] = parts[0].header.settings if parts[0].header else {}
        self.file_count = len(parts)
        self.complete = all(part.complete for part in parts)
        # Pairs may be stored in three types and are handed out in one.
        self._layout = {
            name: (array.shape[1:], np.dtype(np.float32) if header is None else array.dtype)
            for name, array in fields.items()
            if all(name in part.fields for part in parts)
        }

    def indices(self, split: str) -> np.ndarray:
        """The rows of "train", "validation" or "held-out": sorted int64."""
        if split not in SPLITS:
            raise DataError(f"a split is one of {SPLITS}; got {split!r}.")
        return np.flatnonzero(self.split == SPLITS.index(split))

    def has(self, field: str) -> bool:
        """Whether every file has the data set `field`."""
        return field in self._layout

    def is_float(self, field: str) -> bool:
        """Whether a data set holds floats, and so may hold NaN or inf."""
        return self._field(field)[1].kind == "f"

    def row_bytes(self, fields: Sequence[str]) -> int:
        """Bytes that one row of these fields takes in memory."""
        layouts = [self._field(name) for name in fields]
        return sum(dtype.itemsize * int(np.prod(shape)) for shape, dtype in layouts)

    def read(self, fields: Sequence[str], indices: np.ndarray) -> dict[str, np.ndarray]:
        """Rows of several data sets, in the order asked for.

        Parameters
        ----------
        fields : names of data sets: "frames", "latents", "recon", "rows", or "inputs", "targets"
        indices : (m,) integers in [0, count), in any order

        Returns
        -------
        for each name (m, ...): as stored, pairs as float32

        Raises
        ------
        DataError  if a field or a row does not exist
        FileFormatError  if the file is damaged there
        """
        indices = np.asarray(indices, np.int64)
        if len(indices) and (indices.min() < 0 or indices.max() >= self.count):
            raise DataError(f"rows must lie in 0..{self.count - 1}; got {indices.min()}..{indices.max()}.")
        order = np.argsort(indices, kind="stable")
        wanted = indices[order]
        heres = [slice(*np.searchsorted(wanted, (part.first, part.first + part.count))) for part in self._parts]
        inside = [(part, here, wanted[here] - part.first) for part, here in zip(self._parts, heres, strict=True)]
        plan = [(name, *one) for name in fields for one in inside if len(one[-1])]
        layouts = {name: self._field(name) for name in fields}
        result = {name: np.empty((len(indices), *shape), dtype) for name, (shape, dtype) in layouts.items()}
        for name, part, _, rows in plan:
            part.announce(name, rows)
        for name, part, here, rows in plan:
            part.read(name, rows, result[name][here])
            if name == "rows":
                result[name]["source"][here] += part.first_source
        if np.any(np.diff(order) < 0):
            back = np.argsort(order)
            result = {name: array[back] for name, array in result.items()}
        return result

    def digest(self) -> str:
        """SHA-256 of latent space, checksums and split; of pairs, of the content as float32 and the split."""
        digest = hashlib.sha256()
        if self.space is None:
            names: tuple[str, ...] = ("inputs", "targets")
            digest.update(f"pairs {self.inputs} {self.outputs}".encode())
        else:
            names = ("rows",)
            digest.update(self.space.fingerprint.encode())
        for name in names:
            step = max(1, PIECE_BYTES // self.row_bytes([name]))
            for start in range(0, self.count, step):
                values = self.read([name], np.arange(start, min(start + step, self.count)))[name]
                digest.update((values["crc32"] if name == "rows" else values).tobytes())
        digest.update(self.split.tobytes())
        return digest.hexdigest()

    def verify(self) -> list[int]:
        """The rows whose content no longer has the checksum it was written with; pairs have none to check."""
        damaged: list[int] = []
        for part in self._parts:
            if part.header is None:
                continue
            layout = {"rows": ((), STORED_ROW)} | part.header.arrays
            entry, *arrays = (np.empty((1, *shape), dtype) for shape, dtype in layout.values())
            for row in range(part.count):
                for name, array in zip(layout, (entry, *arrays), strict=True):
                    part.read(name, np.array([row]), array)
                if checksum_rows(entry, arrays)[0] != entry["crc32"][0]:
                    damaged.append(part.first + row)
        return damaged

    def close(self) -> None:
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _field(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        if name not in self._layout:
            files = ", ".join(str(part.path) for part in self._parts)
            raise DataError(f"expected /{name} in every file; {files} have only {[*self._layout]} in common.")
        return self._layout[name]


def open_dataset(paths: str | Path | Sequence[str | Path]) -> Dataset:
    """Open one or several files of one form as one data set.

    Parameters
    ----------
    paths : files of schema `olacore/latents/1`, or any with `/inputs` (n, in) and `/targets` (n, out); a folder
        stands for the shards in it

    Raises
    ------
    FileFormatError  if a file is missing, empty, foreign, truncated, damaged or of an unknown schema
    ShapeError, DTypeError  if a data set is misshapen or of a wrong type, or sizes of files disagree
    FingerprintError  if the latent spaces of files disagree
    DataError  if a file has no rows or is given twice
    """
    given = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    files = expand_folders(given)
    if not files:
        raise DataError("expected at least one data file; got none.")
    with ExitStack() as resources:
        parts: list[Part] = []
        for path in files:
            if any(path.resolve() == part.path.resolve() for part in parts):
                raise DataError(f"each file counts once; {path} is given twice.")
            part = open_part(path, resources.enter_context(open_file(path)))
            if parts:
                check_agree(parts[0], part)
                last = parts[-1]
                sources = len(last.header.sources) if last.header else 0
                part = replace(part, first=last.first + last.count, first_source=last.first_source + sources)
            parts.append(part)
        warn_of_leaks(parts)
        return Dataset(parts, resources.pop_all())
