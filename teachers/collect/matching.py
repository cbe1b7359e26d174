"""How many pictures tables of captions and parts name; and where they name none, why, by a look at the names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from olacore.data import SPLITS
from olacore.errors import DataError
from olacore.foreign.names import counted
from olacore.foreign.reading import or_meant
from olacore.media.find import Input, find_inputs
from teachers.collect.caption_tables import Table, file_suffix
from teachers.collect.captions import CaptionRule, Captions, Told
from teachers.collect.crops import PictureRule
from teachers.collect.plan import split_of, wanted


@dataclass(frozen=True)
class Matched:
    """A table that is named.

    Parameters
    ----------
    table : its name
    lines : in it
    matched : pictures and videos that are in it
    """

    table: str
    lines: int
    matched: int


@dataclass(frozen=True)
class Look:
    """What can be told of sources and their tables without a look into pictures.

    Parameters
    ----------
    pictures, videos : that the sources have
    captioned : of them, how many have a caption
    refused : sentences on sources that give nothing
    tables : that are named
    parts : of pictures and videos that are used, by the names of the parts that tables say
    """

    pictures: int
    videos: int
    captioned: int
    refused: tuple[str, ...]
    tables: tuple[Matched, ...]
    parts: dict[str, int]

    @property
    def sentences(self) -> list[str]:
        """What is there, a line each."""
        told = [counted(self.pictures, "picture"), *([counted(self.videos, "video")] if self.videos else [])]
        lines = [f"{one.table}: {counted(one.lines, 'line')}, {one.matched:,} matched" for one in self.tables]
        known = {name: name if name in SPLITS else f"{name} ({split_of(name)})" for name in self.parts}
        parts = ", ".join(f"{known[name]} {count:,}" for name, count in self.parts.items())
        lines += [f"parts: {parts}"] if parts else []
        return [*self.refused, f"{' and '.join(told)}, {self.captioned:,} with a caption", *lines]


def look(sources: Sequence[Path], telling: CaptionRule, max_pixels: int) -> Look:
    """List the pictures and videos of sources, and read their tables.

    Raises
    ------
    DataError  if there is no picture, a table names none of them, or captions are needed and there are none
    ConfigError  if a part is none of training, validation or held-out
    ConfigError, FileFormatError  as `Captions` does
    """
    inputs, refused = find_inputs(sources, max_pixels)
    check_sources(inputs, refused)
    captions = Captions(telling)
    check_match(inputs, captions)
    told = [captions.of(one) for one in inputs]
    captioned = sum(bool(one.captions) for one in told)
    if telling.needed and not captioned:
        raise DataError(f"none of {counted(len(inputs), 'file')} has a caption, such as {inputs[0]}.")
    parts = count_parts(told, telling.needed)
    tables = tuple(
        Matched(index.table.path.name, len(index.table.lines), sum(bool(index.find(one)) for one in inputs))
        for index in captions.named
    )
    videos = sum(one.kind == "video" for one in inputs)
    reasons = tuple(reason for _, reason in refused)
    return Look(len(inputs) - videos, videos, captioned, reasons, tables, parts)


def check_parts(sources: Sequence[Path], telling: CaptionRule, rule: PictureRule, max_pixels: int) -> None:
    """Look whether tables are understood, and each part in them that a picture is in, before anything is read.

    Raises
    ------
    ConfigError  if a part is none of training, validation or held-out
    ConfigError, FileFormatError  as `Captions` and `wanted` do
    """
    captions = Captions(telling)
    if captions.has_parts:
        count_parts([captions.of(one) for one in wanted(find_inputs(sources, max_pixels)[0], rule)], telling.needed)


def count_parts(told: Sequence[Told], needed: bool) -> dict[str, int]:
    """How many pictures and videos are used of each part, by the order of the splits; see `split_of`.

    Parameters
    ----------
    told : of each of them
    needed : whether those without a caption are left out
    """
    parts = Counter(one.part for one in told if one.part and (one.captions or not needed))
    ordered = sorted(parts, key=lambda part: (SPLITS.index(split_of(part)), part))
    return {part: parts[part] for part in ordered}


def check_sources(inputs: Sequence[Input], refused: Sequence[tuple[Path, str]]) -> None:
    """Raise `DataError` where no source gives a picture or a video."""
    if not inputs:
        path, reason = refused[0] if refused else (Path(), "there is none.")
        raise DataError(f"no source gives a picture: {reason.removesuffix('.')}{or_meant(path)}")


def check_match(inputs: Sequence[Input], captions: Captions) -> None:
    """Raise `DataError` where a table decides which files are used, and names none of them."""
    for index in captions.deciding:
        named = "name" in index.table.columns
        if named and not any(one.row is not None or index.find(one) for one in inputs):
            raise DataError(
                f"{index.table.path} has none of {counted(len(inputs), 'picture')}: {why(index.table, inputs)}."
            )


def why(table: Table, inputs: Sequence[Input]) -> str:
    """End a sentence on a table that names none of the files."""
    names = [line.name for line in table.lines if line.name]
    if not names:
        return "it has no names"
    whole = {PurePosixPath(name).name.casefold(): name for name in reversed(names)}
    stems = {_stem(name): name for name in reversed(names)}
    for one in inputs:
        if name := whole.get(one.key.casefold()):
            if PurePosixPath(name).name == one.key:
                return f"its names have other folders, such as {name} for {one}; write those of the pictures"
            return f"its names are in other letters, such as {name} for {one}; write capitals as the files have them"
    for one in inputs:
        if name := stems.get(_stem(one.key)):
            what = "another suffix" if file_suffix(name) else "no suffix"
            return f"its names have {what}, such as {name} for {one.key}; write names as the files have them"
    return (
        f"it is of other pictures, such as {names[0]}, and these are called as {inputs[0].key}; give the table of these"
    )


def _stem(name: str) -> str:
    return PurePosixPath(name).name.removesuffix(file_suffix(name)).casefold()
