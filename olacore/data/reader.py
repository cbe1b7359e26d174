"""Reading data files: one or several of one form, and of one latent space, seen as a single list of rows."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from olacore.data.dataset import Contents, Dataset
from olacore.data.forms import CAPTION
from olacore.data.offsets import PIECE_BYTES
from olacore.data.open_file import Part, check_agree, open_part, warn_of_leaks
from olacore.data.shards import expand_folders
from olacore.data.storage import open_file
from olacore.data.survival import require_survivable
from olacore.errors import DataError


class FileDataset(Dataset):
    """The rows of one or several open files; made by `open_dataset`."""

    def __init__(self, parts: Sequence[Part], resources: ExitStack) -> None:
        header = parts[0].header
        contents = Contents(
            form=header.form,
            split=np.concatenate([part.split for part in parts]),
            layout={
                name: _widest(name, parts) for name in parts[0].layout if all(name in part.layout for part in parts)
            },
            sizes=header.sizes,
            space=header.space,
            sources=[*chain.from_iterable(part.header.sources for part in parts)],
            files=[*chain.from_iterable(part.header.files for part in parts)],
            settings=header.settings,
            paths=tuple(part.path for part in parts),
            complete=all(part.complete for part in parts),
            captions=[*chain.from_iterable(part.header.captions.by_source() for part in parts)],
            caption_sums=np.concatenate([part.caption_sums for part in parts]),
            chosen=CAPTION not in header.arrays,
        )
        super().__init__(contents)
        self._parts = parts
        self._resources = resources

    def read(
        self, fields: Sequence[str], indices: np.ndarray, *, checked: bool = True, choice: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Read rows of several fields, in the order asked for; see `Dataset.read`."""
        indices = np.asarray(indices, np.int64)
        if len(indices) and (indices.min() < 0 or indices.max() >= self.count):
            raise DataError(f"rows must lie in 0..{self.count - 1}; got {indices.min()}..{indices.max()}.")
        order = np.argsort(indices, kind="stable")
        wanted = indices[order]
        heres = [slice(*np.searchsorted(wanted, (part.first, part.first + part.count))) for part in self._parts]
        inside = [(part, here, wanted[here] - part.first) for part, here in zip(self._parts, heres, strict=True)]
        plan = [(name, *one) for name in fields for one in inside if len(one[-1])]
        layouts = {name: self.layout_of(name) for name in fields}
        result = {name: np.empty((len(indices), *shape), dtype) for name, (shape, dtype) in layouts.items()}
        for name, part, _, rows in plan:
            part.announce(name, rows)
        for name, part, here, rows in plan:
            part.read(name, rows, result[name][here], None if choice is None else choice[order][here])
            if name == "rows":
                result[name]["source"][here] += part.first_source
        if checked and set(fields) - {"rows"}:
            for part, here, rows in inside:
                part.check(rows, {name: result[name][here] for name in fields if name in part.header.summed})
        if np.any(np.diff(order) < 0):
            back = np.argsort(order)
            result = {name: array[back] for name, array in result.items()}
        return result

    def verify(self) -> list[int]:
        """The rows whose content no longer has the checksum it was written with; pairs have none to check."""
        damaged: list[int] = []
        for part in self._parts:
            if not part.header.form.sourced:
                continue
            step = max(1, PIECE_BYTES // part.header.row_bytes)
            for start in range(0, part.count, step):
                rows = np.arange(start, min(start + step, part.count))
                damaged += (part.first + rows[part.differ(rows, {})]).tolist()
        return damaged

    def close(self) -> None:
        """Close the files."""
        self._resources.close()


def _widest(name: str, parts: Sequence[Part]) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type that hold a field of all files; captions are as wide as the widest of each."""
    if name != "captions":
        return parts[0].layout[name]
    return (), np.dtype(f"S{max(part.texts.dtype.itemsize for part in parts)}")


def open_dataset(paths: str | Path | Sequence[str | Path]) -> Dataset:
    """Open one or several files of one form as one data set.

    Parameters
    ----------
    paths : files of a form that is known, see `olacore.data.forms`, or any with `/inputs` (n, in) and `/targets`
        (n, out); a folder stands for the shards in it

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
        require_survivable([file for file in files if file.is_file()])
        parts: list[Part] = []
        for path in files:
            if any(path.resolve() == part.path.resolve() for part in parts):
                raise DataError(f"each file counts once; {path} is given twice.")
            part = open_part(path, resources.enter_context(open_file(path)))
            if parts:
                check_agree(parts[0], part)
                last = parts[-1]
                sources = last.first_source + len(last.header.sources)
                part = replace(part, first=last.first + last.count, first_source=sources)
            parts.append(part)
        warn_of_leaks(parts)
        return FileDataset(parts, resources.pop_all())
