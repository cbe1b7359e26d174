"""The plan of a data set, made before the teacher sees anything: every row, its source and its split."""

import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from olacore.data import SPLITS, InputFile, Source
from olacore.errors import ConfigError, DataError
from olacore.foreign.names import counted
from olacore.media.find import Input
from olacore.text.style import unstyled
from teachers.collect.captions import CaptionRule, Captions, Told
from teachers.collect.crops import PictureRule, rows_at
from teachers.collect.recipe import Entry, read_recipe
from teachers.collect.survey import Finding

logger = logging.getLogger(__name__)

# Words in the names of parts.
PART_WORDS = {
    "train": {"train", "training"},
    "validation": {"validation", "val", "valid", "dev"},
    "held-out": {"held", "heldout", "test", "testing"},
}


@dataclass(frozen=True)
class Plan:
    """What a data set, or one shard of it, will hold.

    Parameters
    ----------
    files : what it is made of; the rows of a file are next to each other, in the order of the files
    sources : photographs and scenes
    rows : (n,) of type `ROW`
    captions : of each source; one may have none, or several
    """

    files: tuple[InputFile, ...]
    sources: tuple[Source, ...]
    rows: np.ndarray
    captions: tuple[tuple[str, ...], ...]

    def shards(self, size: int) -> list["Plan"]:
        """Cut the plan into parts of `size` rows; each lists the files and sources of its own rows.

        Files that give nothing are in the first part.
        """
        return [self.part(start, start + size) for start in range(0, len(self.rows), size)]

    def part(self, start: int, stop: int) -> "Plan":
        """The rows from `start` up to `stop`, with their own files and sources; the first part has the other files."""
        rows = self.rows[start:stop].copy()
        stop = start + len(rows)
        ends = np.cumsum([file.rows for file in self.files])
        files = []
        for file, end in zip(self.files, ends, strict=True):
            inside = min(stop, end) - max(start, end - file.rows)
            if inside > 0 or (start == 0 and not file.rows):
                files.append(replace(file, rows=max(0, int(inside))))
        numbers, rows["source"] = np.unique(rows["source"], return_inverse=True)
        sources = tuple(self.sources[number] for number in numbers)
        captions = tuple(self.captions[number] for number in numbers)
        return Plan(tuple(files), sources, rows, captions)

    @property
    def split(self) -> np.ndarray:
        """(n,) uint8, the split of each row: 0, 1, 2."""
        numbers = np.array([SPLITS.index(source.split) for source in self.sources], np.uint8)
        return numbers[self.rows["source"]]


@dataclass
class Piece:
    """A photograph, or one scene of a video, on its way into the plan.

    Parameters
    ----------
    key : names it by its content
    rows : (n,) of type `ROW`, in the order of time, their source not numbered yet
    told : its captions and its part
    """

    key: str
    source: Source
    rows: np.ndarray
    told: Told = field(default_factory=Told)


def wanted(inputs: Sequence[Input], rule: PictureRule) -> list[Input]:
    """The files that the recipe names, or all of them where there is no recipe.

    Raises
    ------
    FileFormatError, ConfigError  if the recipe cannot be read, or names a file that is not there
    """
    if rule.recipe is None:
        return [*inputs]
    entries = named_entries(rule.recipe)
    if absent := sorted(entries.keys() - {source.key for source in inputs}):
        raise ConfigError(f"the recipe {rule.recipe} names {absent[0]}, which is not among the pictures given.")
    return [source for source in inputs if source.key in entries]


def named_entries(recipe: Path) -> dict[str, Entry]:
    """The entries of a recipe by `Input.key`."""
    return {unicodedata.normalize("NFC", name): entry for name, entry in read_recipe(recipe).items()}


def make_plan(
    inputs: Sequence[Input], findings: Iterable[Finding], rule: PictureRule, captions: Captions | None = None
) -> Plan:
    """Decide what becomes of every file.

    Splits and random squares depend on the seed and on the files' bytes, not on names or on the order of the files;
    of files with equal bytes only the first is used, so that none is in two splits, and has the captions of all; where
    a table says which part each is in, each with another caption is used. Where captions are needed, pictures with a
    caption in common are in one split.

    Parameters
    ----------
    inputs : those that are wanted; with a recipe it has an entry for each
    findings : of the inputs, in their order
    captions : and parts, by the rule that also says whether they are needed; by default of tables beside the files

    Raises
    ------
    DataError  if no file gives any row
    ConfigError  if the recipe has a square outside of its picture, or a part is none of training, validation or
        held-out
    """
    captions = captions or Captions(CaptionRule())
    telling = captions.rule
    entries = named_entries(rule.recipe) if rule.recipe else None
    seen: dict[tuple[str, tuple[str, ...]], Input] = {}
    names: set[str] = set()
    files: list[InputFile] = []
    pieces: list[Piece] = []
    for given, finding in zip(inputs, findings, strict=True):
        told = captions.of(given)
        key = (finding.digest, told.captions if captions.has_parts else ())
        note = refusal(given, finding, rule, seen.get(key)) or untold(given, told, telling, captions)
        if key in seen and telling.needed:
            add_captions(pieces, finding.digest, told)
        cut: list[Piece] = []
        if not note:
            seen[key] = given
            entry = entries[given.key] if entries is not None else None
            cut = cut_pieces(given, finding, rule, entry, unused_name(given.name, finding.digest, names))
            cut = [replace(piece, told=told) for piece in cut]
        pieces += cut
        rows = sum(len(piece.rows) for piece in cut)
        note = note_of(note, given.path)
        files.append(InputFile(given.name, finding.digest, rows, finding.frames, finding.damaged, note))
    if not pieces:
        reason = next((file.note for file in files), "there are none.")
        raise DataError(f"none of {len(inputs)} files gives a picture: {reason}")
    return assemble(files, pieces, rule, telling, split=entries is None)


def untold(given: Input, told: Told, telling: CaptionRule, captions: Captions) -> str:
    """Why nothing can be made of what is told of a file, or nothing."""
    if telling.needed and not told.captions:
        return f"{given} has no caption."
    return f"{given} is in no part of {telling.parts or telling.table}." if captions.has_parts and not told.part else ""


def add_captions(pieces: Sequence[Piece], digest: str, told: Told) -> None:
    """Give a file that is there already, whole, the captions of one with equal bytes as well.

    Raises
    ------
    ConfigError  if they are in different styles
    """
    for piece in pieces:
        if piece.key.split(" ")[0] == digest and piece.told.part == told.part:
            if piece.told.style != told.style:
                styles = " and ".join(repr(style) for style in (piece.told.style, told.style))
                raise ConfigError(f"{piece.source.name} and a copy of it have the styles {styles}; a picture has one.")
            captions = tuple(dict.fromkeys((*piece.told.captions, *told.captions)))
            piece.told = replace(piece.told, captions=captions)


def refusal(given: Input, finding: Finding, rule: PictureRule, before: Input | None) -> str:
    """Why a file gives nothing, or nothing.

    Parameters
    ----------
    before : a file with equal bytes that is used already
    """
    if finding.refused:
        return finding.refused
    if not rule.upscale and not finding.large_enough(rule.size).any():
        height, width = finding.sizes[0]
        return f"{given} is {width} x {height}, smaller than {rule.size} x {rule.size}."
    return f"{given} is the same file as {before}." if before else ""


def note_of(reason: str, path: Path) -> str:
    """A reason as a data set tells it: with the name of a file or folder, never its path, and as UTF-8 can hold it."""
    told = reason.replace(str(path), path.name) if path.name else reason
    return told.encode("utf-8", "replace").decode()


def refused_file(path: Path, reason: str) -> InputFile:
    """What a data set tells of a source, or of what lies in one, that gives nothing."""
    # "." has no name of its own.
    return InputFile(note_of(path.name or path.resolve().name, path), "", 0, 0, 0, note_of(reason, path))


def unused_name(name: str, digest: str, names: set[str]) -> str:
    """A name that no other file of this data set has: two of one name in different folders are told apart."""
    chosen = f"{name} {digest[:8]}" if name in names else name
    names.add(chosen)
    return chosen


def cut_pieces(given: Input, finding: Finding, rule: PictureRule, entry: Entry | None, name: str) -> list[Piece]:
    """The photograph, or the scenes of the video, with the squares of every frame in the order of time.

    Raises
    ------
    ConfigError  if a square of the recipe is not within the picture
    """
    if given.kind == "picture":
        height, width = finding.sizes[0].tolist()
        source = Source(name, "photograph", "train")
        squares = rule.squares(finding.digest, height, width)
        if entry is not None:
            source = Source(name, "photograph", entry.split, entry.licence, entry.author)
            for top, left, side in entry.squares or ():
                if top + side > height or left + side > width:
                    square = f"the recipe's square {[top, left, side]}"
                    raise ConfigError(f"{square} is not within {given.name}, {width} x {height}.")
            squares = entry.squares or squares
        return [Piece(finding.digest, source, rows_at(np.full(len(squares), -1), squares))]
    split, licence, author = (entry.split, entry.licence, entry.author) if entry else ("train", "", "")
    kept = finding.large_enough(1 if rule.upscale else rule.size)
    if not kept.all():
        count = f"{len(kept) - kept.sum()} of {len(kept)} frames"
        logger.warning("%s: %s are smaller than %d x %d and left out", given, count, rule.size, rule.size)
    stamps, sizes = finding.stamps[kept], finding.sizes[kept].tolist()
    frames = zip(stamps.tolist(), sizes, strict=True)
    each = (rule.squares(f"{finding.digest} {stamp}", *size) for stamp, size in frames)
    rows = rows_at(stamps.repeat(rule.crops), chain.from_iterable(each))
    scenes = finding.scenes[kept].repeat(rule.crops)
    return [
        Piece(
            f"{finding.digest} scene {scene}",
            Source(f"{name} scene {scene + 1}", "scene", split, licence, author),
            rows[scenes == scene],
        )
        for scene in np.unique(scenes).tolist()
    ]


def assemble(files: list[InputFile], pieces: list[Piece], rule: PictureRule, telling: CaptionRule, split: bool) -> Plan:
    """Number the sources, put them into splits unless the recipe did, and line up the rows file by file, by time."""
    sources = [
        replace(piece.source, caption="".join(piece.told.captions[:1]), style=piece.told.style) for piece in pieces
    ]
    if any(piece.told.part for piece in pieces):
        sources = [
            replace(source, split=split_of(part), part="" if part in SPLITS else part)
            for source, part in ((source, piece.told.part) for source, piece in zip(sources, pieces, strict=True))
        ]
    elif split:
        keys = keys_by_caption(pieces) if telling.needed else [piece.key for piece in pieces]
        counts: Counter[str] = Counter()
        for key, piece in zip(keys, pieces, strict=True):
            counts[key] += len(piece.rows)
        splits = rule.splits(counts)
        sources = [replace(source, split=splits[key]) for source, key in zip(sources, keys, strict=True)]
    several = sum(len(piece.told.captions) > 1 for piece in pieces)
    if several and not telling.needed:
        logger.warning("%s with several captions, of which the first counts", counted(several, "picture"))
    rows = np.concatenate([piece.rows for piece in pieces])
    rows["source"] = np.repeat(np.arange(len(pieces)), [len(piece.rows) for piece in pieces])
    for here in np.split(rows, np.cumsum([file.rows for file in files])[:-1]):
        # Stable, so that the squares of one frame keep their order.
        here[:] = here[np.argsort(here["pts"], kind="stable")]
    plan = Plan(tuple(files), tuple(sources), rows, tuple(piece.told.captions for piece in pieces))
    for number, name in enumerate(SPLITS):
        if number not in plan.split:
            logger.warning("no source is left for the %s split: give more scenes or pictures", name)
    return plan


def split_of(part: str) -> str:
    """Which of the three splits a part of a table is, by a word of its name.

    Raises
    ------
    ConfigError  if no word says so
    """
    words = set(re.split(r"[^a-z]+", part.lower()))
    found = [split for split, known in PART_WORDS.items() if words & known]
    if len(found) != 1:
        expected = "expected one with a word such as train, validation, held-out or test in its name"
        raise ConfigError(f"the part {part!r} is none of training, validation or held-out; {expected}.")
    return found[0]


def keys_by_caption(pieces: Sequence[Piece]) -> list[str]:
    """A key for each piece, the same for those that have a caption in common, directly or through others.

    In which style it is does not count.
    """
    first: dict[str, str] = {}

    def root(text: str) -> str:
        while first[text] != text:
            first[text] = first[first[text]]
            text = first[text]
        return text

    bare = [[unstyled(caption, piece.told.style) for caption in piece.told.captions] for piece in pieces]
    plain = [[" ".join(caption.casefold().split()) for caption in captions] for captions in bare]
    for texts in plain:
        for text in texts:
            first.setdefault(text, text)
        ends = sorted({root(text) for text in texts})
        first.update(dict.fromkeys(ends, ends[0]))
    return [root(texts[0]) for texts in plain]
