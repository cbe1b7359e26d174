"""What a denoiser is asked: a sheet has the level, the noise and the caption of every row that is to be made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from olacore.data import SPLITS, Dataset, InputFile, Source
from olacore.data.records import ROW
from olacore.errors import DataError
from teachers.collect.plan import Plan
from teachers.jobs.noise_levels import spread
from teachers.jobs.noise_rule import NoiseRule, drawn


@dataclass(frozen=True)
class Sheet:
    """The rows of a data set, or of one shard of it.

    Parameters
    ----------
    plan : which source and file each row is of
    origins : (n,) int64, the row of the data that each is made of, or the number of its trajectory
    texts : (n,) object, its caption
    sigmas : (n,) float32
    noise_seeds : (n,) uint64
    """

    plan: Plan
    origins: np.ndarray
    texts: np.ndarray
    sigmas: np.ndarray
    noise_seeds: np.ndarray

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.origins)

    def shards(self, size: int) -> list[Sheet]:
        """Cut the sheet into parts of `size` rows; each lists the files and sources of its own rows."""
        parts = []
        for number, plan in enumerate(self.plan.shards(size)):
            here = slice(number * size, number * size + len(plan.rows))
            named = {name: getattr(self, name)[here] for name in ("origins", "texts", "sigmas", "noise_seeds")}
            parts.append(Sheet(plan, **named))
        return parts


def sheet_of_rows(data: Dataset, rule: NoiseRule, levels: Sequence[float]) -> Sheet:
    """Every row of the data at every level, `repeats` times, rows of one picture next to each other.

    Noise and captions depend on the seed, the picture's file and square, the level and the number of the draw, not on
    where the row stands in which file.

    Raises
    ------
    DataError  if the data do not say which files their rows are of
    """
    each = len(levels) * rule.repeats
    if sum(file.rows for file in data.files) != data.count:
        paths = ", ".join(map(str, data.contents.paths))
        raise DataError(f"{paths} do not say of which files their rows are; make them again with `ola precompute`.")
    entries = data.read(["rows"], np.arange(data.count))["rows"]
    digests = [file.sha256 for file in data.files for _ in range(file.rows)]
    seen: Counter[tuple[object, ...]] = Counter()
    seeds, texts = [], []
    for digest, entry in zip(digests, entries.tolist(), strict=True):
        source = entry[0]
        key = (digest, data.sources[source].name, *entry[1:-1])
        seen[key] += 1
        for level in levels:
            for repeat in range(rule.repeats):
                seed, choice = drawn(rule.seed, key, seen[key], level, repeat)
                seeds.append(seed)
                texts.append(data.captions[source][choice % len(data.captions[source])])
    rows = np.empty(len(entries), ROW)
    for name in ROW.names or ():
        rows[name] = entries[name]
    files = tuple(replace(file, rows=file.rows * each) for file in data.files)
    return Sheet(
        Plan(files, tuple(data.sources), rows.repeat(each), tuple(data.captions)),
        np.arange(data.count).repeat(each),
        np.array(texts, object),
        np.tile(np.repeat(np.array(levels, np.float32), rule.repeats), data.count),
        np.array(seeds, np.uint64),
    )


@dataclass(frozen=True)
class Start:
    """Where a trajectory begins.

    Parameters
    ----------
    text : its caption
    source : a picture that has it, for the split
    seed : of all its noise
    """

    text: str
    source: Source
    seed: int


def starts_of(data: Dataset, rule: NoiseRule) -> list[Start]:
    """The trajectories that a rule asks for, spread over the captions of training pictures, then of validation's.

    Raises
    ------
    DataError  if there are no such captions
    """
    known: dict[str, Source] = {}
    for split in SPLITS[:2]:
        for source, texts in zip(data.sources, data.captions, strict=True):
            for text in texts if source.split == split else ():
                known.setdefault(text, source)
    if not known:
        raise DataError("trajectories begin at captions of training and validation pictures, and there are none.")
    found = [*known.items()]
    places = spread(len(found), rule.trajectories).tolist()
    return [
        Start(text, source, drawn(rule.seed, text, number)[0])
        for number, (text, source) in enumerate(found[place] for place in places)
    ]


def sheet_of_trajectories(
    starts: Sequence[Start], levels: Sequence[float], size: tuple[int, int], file: tuple[str, str]
) -> Sheet:
    """A row for each level that a trajectory passes through, rows of one trajectory next to each other.

    Parameters
    ----------
    size : (H, W) of the pictures
    file : name and SHA-256 of what makes them
    """
    count, each = len(starts), len(levels)
    rows = np.zeros(count * each, ROW)
    rows["source"], rows["pts"] = np.arange(count).repeat(each), -1
    rows["height"], rows["width"] = size
    sources = tuple(
        Source(f"trajectory {number:06d}", "photograph", start.source.split, part=start.source.part)
        for number, start in enumerate(starts)
    )
    return Sheet(
        Plan((InputFile(*file, len(rows), frames=count),), sources, rows, tuple((start.text,) for start in starts)),
        np.arange(count).repeat(each),
        np.array([start.text for start in starts], object).repeat(each),
        np.tile(np.array(levels, np.float32), count),
        np.array([start.seed for start in starts], np.uint64).repeat(each),
    )
