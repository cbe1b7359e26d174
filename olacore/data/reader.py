"""Reading data sets: one or several files of one form and one latent space, seen as a single list of rows."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from olacore.data.parts import Part, check_agree, open_part, warn_of_leaks
from olacore.data.schema import SPLITS, InputFile, LatentSpace, Source, checksum_rows
from olacore.data.shards import expand_folders
from olacore.data.storage import open_file
from olacore.errors import DataError

# A read of HDF5 costs about as much as copying 256 KiB, so smaller gaps between wanted rows are read as well,
# in pieces of at most 8 MiB.
GAP_BYTES = 1 << 18
PIECE_BYTES = 1 << 23


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
        result: dict[str, np.ndarray] = {}
        plan = [(name, part, *self._pieces(name, part, wanted)) for name in fields for part in self._parts]
        for name, part, inside, pieces, _ in plan:
            part.announce(name, ((inside[begin], inside[end - 1] + 1) for begin, end in pieces))
        for name, part, inside, pieces, here in plan:
            shape, dtype = self._field(name)
            out = result.setdefault(name, np.empty((len(indices), *shape), dtype))
            places = order[here]
            for begin, end in pieces:
                start, stop = inside[begin], inside[end - 1] + 1
                piece = part.read(name, start, stop)
                if name == "rows":
                    piece["source"] += part.first_source
                # A float64 beyond float32 becomes inf, which is found and counted with the others.
                with np.errstate(over="ignore"):
                    out[places[begin:end]] = piece[inside[begin:end] - start]
        return result

    def _pieces(self, name: str, part: Part, wanted: np.ndarray) -> tuple[np.ndarray, list[tuple[int, int]], slice]:
        """Which of some sorted rows are in a part, counted in it; the pieces to read; their place in `wanted`."""
        here = slice(*np.searchsorted(wanted, (part.first, part.first + part.count)))
        inside = wanted[here] - part.first
        return inside, [*_runs(inside, self.row_bytes([name]))], here

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
            for row in range(part.count):
                entry = part.read("rows", row, row + 1)
                arrays = (part.read(name, row, row + 1) for name in part.header.arrays)
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


def _runs(rows: np.ndarray, row_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut sorted rows where a gap is too wide to read across or a piece grows too large."""
    gap, longest = 1 + GAP_BYTES // row_bytes, max(1, PIECE_BYTES // row_bytes)
    edges = np.append(np.flatnonzero(np.diff(rows) > gap) + 1, len(rows))
    begin = 0
    while begin < len(rows):
        edge = edges[np.searchsorted(edges, begin, side="right")]
        end = min(int(edge), int(np.searchsorted(rows, rows[begin] + longest)))
        yield begin, end
        begin = end


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
