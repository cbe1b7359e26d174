"""Joining the shares of a data set into the file that would have been made in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import ROW, Header, Writer
from olacore.data.forms import CAPTION
from olacore.data.offsets import PIECE_BYTES
from olacore.data.open_file import Part, check_agree, open_part
from olacore.data.storage import open_file
from olacore.data.survival import require_survivable
from olacore.data.writer import check_same
from olacore.errors import ConfigError, DataError, FileFormatError
from olacore.files import check_output
from olacore.foreign.names import counted
from teachers.collect.plan import Plan
from teachers.jobs.output_path import PLAN, Share
from teachers.jobs.outputs import header_of
from teachers.jobs.plan_file import read_plan_file

# What a share says of itself beside the settings of the whole.
OWN = ("share", "shares", "plan")
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Merged:
    """What `merge_shares` made.

    Parameters
    ----------
    rows, shares : how many were joined
    """

    rows: int
    shares: int


@dataclass(frozen=True)
class Piece:
    """A share that was looked at.

    Parameters
    ----------
    path : of its file
    share : which one it is
    plan : SHA-256 of the plan that it was made by
    rows : of its file
    """

    path: Path
    share: Share
    plan: str
    rows: int


def merge_shares(
    shares: Sequence[Path],
    output: Path,
    *,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> Merged:
    """Join shares into the file that `precompute` makes without shares, to the byte where the machines answer alike.

    Every row is compared with its checksum on the way. A merge that was killed goes on with `resume`.

    Parameters
    ----------
    shares : all shares of one plan, in any order; a folder stands for the shards in it. The plan lies beside the first
    output : the file to write
    resume : go on behind the last finished row of `output`; start it if it is missing
    force : replace `output`
    progress : called with "rows", how many are done and how many there are

    Raises
    ------
    OutputExistsError  if there is a file and neither `resume` nor `force`
    OutputError  if the file cannot be written, another writer has it, or there is no room for it
    FileFormatError  if a file is truncated, damaged, or no share
    DataError  if a share is missing, given twice or not complete
    ConfigError, FingerprintError  if shares were made with other settings or teachers, or `output` lies among them
    """
    tick = progress or (lambda *args: None)
    if force and resume:
        raise ConfigError("a file is either resumed or forced to start anew; got both.")
    for path in shares:
        if not path.exists():
            raise FileFormatError(f"there is no {path}; name the shares of `ola precompute --share`, or their folder.")
    paths = _files_of(shares)
    if any(path.resolve() == output.resolve() for path in paths):
        raise ConfigError(f"{output} is one of the shares; write the whole to another file.")
    check_output(output, force=force or resume)
    require_survivable([path for path in paths if path.is_file()])
    pieces = look_at_shares(paths)
    if output.suffix == ".h5" and output.resolve().parent in {path.resolve().parent for path in paths}:
        raise ConfigError(f"{output} would lie among its shares, and be read with them; write it to another folder.")
    told = pieces[0].path.with_name(PLAN)
    if not told.exists():
        raise FileFormatError(f"the plan of the shares is missing; copy {PLAN} from where they were made to {told}.")
    plan, _, digest = read_plan_file(told)
    if digest != pieces[0].plan:
        raise ConfigError(f"{pieces[0].path} was not made by the plan {told}; copy {PLAN} from where it was made.")
    each = _rows_of_each(pieces, plan)
    with _opened(pieces[0].path) as first:
        header = _whole(first.header, plan, each)
    planned = plan.rows if header.form.sourced else np.repeat(plan.split, each)
    writer = Writer(output, header, planned, lambda: _of_sources(header, pieces, plan), force=force, resume=resume)
    complete = False
    try:
        tick("rows", writer.rows_valid, header.capacity)
        numbers = {text: number for number, text in enumerate(header.captions.texts)}
        before = 0
        for piece in pieces:
            if writer.rows_valid < before + piece.rows:
                with _opened(piece.path) as part:
                    for done in _copy(part, writer, plan, before, numbers):
                        tick("rows", done, header.capacity)
            before += piece.rows
        complete = True
    finally:
        writer.close(complete)
    return Merged(header.capacity, len(pieces))


def look_at_shares(paths: Sequence[Path]) -> list[Piece]:
    """Give all shares of a plan in their order, after a look at each.

    Raises
    ------
    FileFormatError, DataError, ConfigError, FingerprintError  as `merge_shares` does
    """
    found: dict[int, Piece] = {}
    for path in paths:
        with _opened(path) as part:
            piece = _piece_of(part)
            one = next(iter(found.values()), piece)
            if (one.plan, one.share.count) != (piece.plan, piece.share.count):
                plans = f"{one.path} is {one.share} of the plan {one.plan[:12]}"
                raise ConfigError(
                    f"{plans}, {path} is {piece.share} of the plan {piece.plan[:12]}; give shares of one plan."
                )
            if one is not piece:
                with _opened(one.path) as other:
                    check_agree(other, part)
                    check_same(one.path, _told(other.header), _told(part.header))
            if before := found.get(piece.share.number):
                raise DataError(f"{piece.share} is given twice: {before.path} and {path}.")
            if not part.complete:
                counts = f"{part.count} of its {part.header.capacity} rows"
                raise DataError(f"{path} is not complete, it has {counts}; make it whole with --share and --resume.")
        found[piece.share.number] = piece
    count = piece.share.count
    if absent := [number for number in range(1, count + 1) if number not in found]:
        others = f", and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise DataError(f"share {absent[0]} of {count}{others} is missing; make it with --share {absent[0]}/{count}.")
    return [found[number] for number in sorted(found)]


def _files_of(shares: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in shares:
        inside = sorted(path.glob("shard-*-of-*.h5")) if path.is_dir() else [path]
        if not inside:
            raise FileFormatError(f"expected shares in the folder {path}; there are none.")
        files += inside
    if not files:
        raise DataError("expected one share or more; got none.")
    return files


@contextmanager
def _opened(path: Path) -> Iterator[Part]:
    with open_file(path) as file:
        yield open_part(path, file)


def _piece_of(part: Part) -> Piece:
    number, count, plan = (part.header.settings.get(name) for name in OWN)
    if not (type(number) is int and type(count) is int and 1 <= number <= count and isinstance(plan, str)):
        raise FileFormatError(f"{part.path} is no share; expected files that were made with --share.")
    return Piece(part.path, Share(number, count), plan, part.header.capacity)


def _told(header: Header) -> dict[str, Any]:
    """What all shares have in common."""
    settings = _settings(header) | {"optional": [*header.optional]}
    return {f"settings[{name}]": value for name, value in settings.items()} | {"sizes": dict(header.sizes)}


def _settings(header: Header) -> dict[str, Any]:
    # A file whose rows name no source says how large it is among its settings.
    sizes = () if header.form.sourced else ("rows", *header.arrays)
    return {name: value for name, value in header.settings.items() if name not in (*OWN, *sizes)}


def _rows_of_each(pieces: Sequence[Piece], plan: Plan) -> int:
    """How many rows of the files a row of the plan has."""
    each, left = divmod(sum(piece.rows for piece in pieces), len(plan.rows))
    if left or not each or any(piece.rows % each for piece in pieces):
        counts = f"{counted(sum(piece.rows for piece in pieces), 'row')}, and their plan {len(plan.rows)}"
        raise FileFormatError(f"the shares do not fit their plan: they have {counts}; make them again.")
    return each


def _whole(one: Header, plan: Plan, each: int) -> Header:
    """The header of the whole, by that of a share."""
    return header_of(plan, one.form, one.sizes, each, one.space, one.optional, _settings(one))


def _of_sources(header: Header, pieces: Sequence[Piece], plan: Plan) -> dict[str, np.ndarray]:
    """The fields with an entry for each source."""
    names = header.named("source")
    whole = {name: np.empty((len(plan.sources), *header.arrays[name][0]), header.arrays[name][1]) for name in names}
    before = 0
    for piece in pieces if names else ():
        numbers = np.unique(plan.rows["source"][before : before + piece.rows])
        with _opened(piece.path) as part:
            for name in names:
                whole[name][numbers] = part.file[name][:]
        before += piece.rows
    return whole


def _copy(part: Part, writer: Writer, plan: Plan, before: int, numbers: Mapping[str, int]) -> Iterator[int]:
    """Add the rows of a share that are not there yet, some at a time, and give the rows done after each time.

    Parameters
    ----------
    before : rows of the shares before it
    numbers : of all captions in the whole
    """
    header = part.header
    names = header.named("row")
    # The number in the whole of each caption of the share.
    captions = np.array([numbers[text] for text in header.captions.texts], np.int32)
    step = max(1, PIECE_BYTES // header.row_bytes)
    for start in range(writer.rows_valid - before, header.capacity, step):
        rows = np.arange(start, min(start + step, header.capacity))
        given = {name: np.empty((len(rows), *shape), dtype) for name, (shape, dtype) in header.arrays.items()
                 if name in names}  # fmt: skip
        for name, array in given.items():
            part.read(name, rows, array)
        part.check(rows, given)
        if not header.form.sourced:
            writer.add(given)
        else:
            entries = plan.rows[before + start : before + start + len(rows)]
            _check_entries(part, rows, entries)
            new: np.ndarray = np.empty(0, np.int64)
            if header.form.captioned:
                if CAPTION in given:
                    given[CAPTION] = captions[given[CAPTION]]
                needed = writer.captions_of(entries["source"], given.get(CAPTION))
                new = np.flatnonzero((captions >= writer.captions_valid) & (captions < needed))
            writer.add(given, entries, _captions(part, new) if len(new) else None)
        yield writer.rows_valid


def _captions(part: Part, numbers: np.ndarray) -> dict[str, np.ndarray]:
    """The fields with an entry for each caption, of some captions of a share."""
    found = {}
    for name in part.header.named("caption"):
        found[name] = part.file[name][int(numbers[0]) : int(numbers[-1]) + 1][numbers - numbers[0]]
    return found


def _check_entries(part: Part, rows: np.ndarray, planned: np.ndarray) -> None:
    """Raise unless rows of a share are those that the plan has there; sources are numbered otherwise."""
    stored = part.file["rows"][int(rows[0]) : int(rows[-1]) + 1]
    names = [name for name in ROW.names or () if name != "source"]
    if any(np.any(stored[name] != planned[name]) for name in names):
        raise FileFormatError(f"{part.path} has other rows than its plan; make it again.")
