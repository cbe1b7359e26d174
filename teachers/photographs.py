"""Which photographs go into a data set, into which split each one goes, and which squares are cut from it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from olacore.data import Source
from olacore.errors import ConfigError, DataError, FileFormatError
from olacore.frames import FACTOR
from olacore.pictures import Square, centre_square, list_pictures, random_square, read_picture
from teachers.recipe import Entry, read_recipe


@dataclass(frozen=True)
class PictureRule:
    """How pictures become rows.

    Parameters
    ----------
    size : side of every row's picture, a multiple of 8
    crops : squares cut from a photograph: first the largest in its middle, then seeded random ones whose side
        is between half and all of the shorter side, and not under `size`
    seed : of the random squares and of the split
    upscale : use photographs whose shorter side is under `size` as well; otherwise they are skipped
    validation, held_out : parts of the photographs in these splits; of three photographs or more, at least one
    recipe : a file that names the photographs to use and their splits, see `teachers.recipe`

    Raises
    ------
    ConfigError  if a number is out of range
    """

    size: int = 256
    crops: int = 1
    seed: int = 0
    upscale: bool = False
    validation: float = 0.1
    held_out: float = 0.1
    recipe: Path | None = None

    def __post_init__(self) -> None:
        if self.size < FACTOR or self.size % FACTOR:
            raise ConfigError(f"the size must be a multiple of {FACTOR}; got {self.size}.")
        if self.crops < 1:
            raise ConfigError(f"the crops of a photograph must be 1 or more; got {self.crops}.")
        if not (min(self.validation, self.held_out) >= 0 and self.validation + self.held_out < 1):
            parts = f"{self.validation} and {self.held_out}"
            raise ConfigError(f"validation and held-out parts must be 0 or more, together under 1; got {parts}.")


@dataclass(frozen=True)
class Photograph:
    """A readable picture file, what the data set says of it, and the squares to cut."""

    path: Path
    digest: str
    source: Source
    squares: tuple[Square, ...]


def choose_photographs(sources: Sequence[Path], rule: PictureRule) -> tuple[list[Photograph], list[tuple[Path, str]]]:
    """Read every picture once and decide what becomes of it.

    Split and random squares depend on the seed and on the file's bytes, not on names or on the order of the
    sources; of files with equal bytes only the first is used, so that none is in two splits.

    Parameters
    ----------
    sources : pictures and folders of them

    Returns
    -------
    the photographs to use, and the files that were skipped, each with the reason

    Raises
    ------
    DataError  if no picture is left
    ConfigError  if the recipe names a picture that is not there, or a square outside of it
    """
    entries = read_recipe(rule.recipe) if rule.recipe else None
    paths = [path for source in sources for path in list_pictures(Path(source))]
    if entries is not None:
        paths = [path for path in paths if path.name in entries]
        if absent := sorted(entries.keys() - {path.name for path in paths}):
            raise ConfigError(f"the recipe {rule.recipe} names {absent[0]}, which is not among the pictures given.")
    shapes: dict[str, tuple[Path, int, int]] = {}
    skipped = []
    for path in paths:
        try:
            height, width = read_picture(path).shape[:2]
        except FileFormatError as error:
            skipped.append((path, str(error)))
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if min(height, width) < rule.size and not rule.upscale:
            skipped.append((path, f"{path} is {width} x {height}, smaller than {rule.size} x {rule.size}."))
        elif digest in shapes:
            skipped.append((path, f"{path} is the same file as {shapes[digest][0]}."))
        else:
            shapes[digest] = path, height, width
    if not shapes:
        reason = skipped[0][1] if skipped else "there are none."
        raise DataError(f"none of {len(paths)} pictures can be used: {reason}")
    splits = _split(list(shapes), rule)
    return [
        _describe(digest, *shape, splits[digest], rule, entries[shape[0].name] if entries else None)
        for digest, shape in shapes.items()
    ], skipped


def _describe(
    digest: str, path: Path, height: int, width: int, split: str, rule: PictureRule, entry: Entry | None
) -> Photograph:
    name = path.name.encode("utf-8", "replace").decode()
    if entry is None:
        source = Source(name, "photograph", split)
    else:
        source = Source(name, "photograph", entry.split, entry.licence, entry.author)
    if entry is None or entry.squares is None:
        return Photograph(path, digest, source, _usual_squares(digest, height, width, rule))
    for top, left, side in entry.squares:
        if top + side > height or left + side > width:
            square = f"the recipe's square {[top, left, side]}"
            raise ConfigError(f"{square} is not within {name}, {width} x {height}.")
    return Photograph(path, digest, source, entry.squares)


def _usual_squares(digest: str, height: int, width: int, rule: PictureRule) -> tuple[Square, ...]:
    short = min(height, width)
    least = min(max(rule.size, short // 2), short)
    keys = [_hash(rule.seed, f"{digest} {number}")[:16] for number in range(1, rule.crops)]
    randoms = [np.random.Generator(np.random.Philox(key=int.from_bytes(key))) for key in keys]
    return centre_square(height, width), *(random_square(height, width, least, random) for random in randoms)


def _split(digests: list[str], rule: PictureRule) -> dict[str, str]:
    """Rank the photographs by a seeded hash; the first are held out, the next are for validation."""
    count = len(digests)
    ranked = sorted(digests, key=lambda digest: _hash(rule.seed, digest))
    held, validation = (
        max(round(part * count), int(part > 0 and count >= 3)) for part in (rule.held_out, rule.validation)
    )
    held = min(held, count - 1)
    validation = min(validation, count - 1 - held)
    splits = ["held-out"] * held + ["validation"] * validation + ["train"] * (count - held - validation)
    return dict(zip(ranked, splits, strict=True))


def _hash(seed: int, key: str) -> bytes:
    return hashlib.sha256(f"{seed} {key}".encode()).digest()
