"""What of the drawn set's captions pictures show: shares by part, for scenes of one kind and of two kinds apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bench.common.tables import Table
from bench.drawn.judge import Reading, judge, read_picture
from bench.drawn.scenes import FILLED, STYLES, Scene
from olacore.errors import DataError, FileFormatError

ALIKE, APART = "one kind", "two kinds"
# By the name in a report: what the table calls it.
COLUMNS = {
    "kinds": "colour and shape",
    "bound": "all of them",
    "count": "count",
    "size": "size",
    "place": "place",
    "style": "style",
    "all": "everything",
}
PERCENT = 100

# By part, then scenes of one kind or of two, then name.
Figures = dict[str, dict[str, dict[str, float]]]


def shares(scenes: Sequence[Scene], readings: Iterable[Reading]) -> dict[str, float]:
    """What pictures show of their captions.

    Returns
    -------
    pictures : how many
    kinds : share of the things named, or kinds of alike things, that are there in their colour and their shape
    bound : share of pictures that show all of these and nothing else
    count, size, place : share that is bound, and has the numbers; these and all sizes; these numbers, where they belong
    style : share that is bound, and all of it in the style; where captions name one
    all : share that shows everything that its caption says
    """
    found, named, verdicts = 0, 0, []
    names = [name for name in COLUMNS if name != "kinds" and (name != "style" or in_styles(scenes))]
    for scene, reading in zip(scenes, readings, strict=True):
        there = {seen.thing.kind for seen in reading.seen}
        found, named = found + len(there & scene.kinds), named + len(scene.kinds)
        verdict = judge(scene, reading)
        verdicts.append([getattr(verdict, name) for name in names])
    means = np.array(verdicts, float).mean(0).tolist()
    return {"pictures": len(verdicts), "kinds": found / named} | dict(zip(names, means, strict=True))


def in_styles(scenes: Sequence[Scene]) -> bool:
    """Whether captions name styles."""
    return any(scene.style for scene in scenes)


def read(scenes: Sequence[Scene], pictures: Iterable[np.ndarray]) -> list[Reading]:
    """Read pictures of some scenes, in styles where captions name them."""
    styles = STYLES if in_styles(scenes) else (FILLED,)
    return [read_picture(picture, styles) for picture in pictures]


def figures(scenes: Sequence[Scene], readings: Sequence[Reading], parts: Sequence[str]) -> Figures:
    """The shares of each part, and in it of scenes of one kind and of two."""
    found: Figures = {}
    for part in dict.fromkeys(parts):
        for name, apart in ((ALIKE, False), (APART, True)):
            here = [place for place, scene in enumerate(scenes) if parts[place] == part and scene.apart == apart]
            if here:
                told = shares([scenes[place] for place in here], [readings[place] for place in here])
                found.setdefault(part, {})[name] = told
    return found


def read_pictures(folder: Path, count: int) -> list[np.ndarray]:
    """The pictures 0000.png and so on of a folder, as `ola generate --prompts` writes them: (side, side, 3) uint8 each.

    Raises
    ------
    DataError  if there are more
    FileFormatError  if one is missing or damaged
    """
    if (folder / f"{count:04d}.png").exists():
        raise DataError(f"{folder} has more pictures than the {count} prompts.")
    pictures = []
    for number in range(count):
        path = folder / f"{number:04d}.png"
        try:
            with Image.open(path) as image:
                pictures.append(np.asarray(image.convert("RGB")))
        except (OSError, UnidentifiedImageError) as error:
            raise FileFormatError(f"the picture {path} cannot be read: {error}.") from error
    return pictures


def tables(found: Mapping[str, Figures]) -> list[Table]:
    """A table for each part and sort of scenes, with a line for each origin of pictures.

    Parameters
    ----------
    found : figures by what drew the pictures
    """
    made = []
    sorts = dict.fromkeys((part, sort) for figures in found.values() for part in figures for sort in figures[part])
    for part, sort in sorts:
        here = {name: figures for name, told in found.items() if (figures := told.get(part, {}).get(sort))}
        columns = [column for column in COLUMNS if all(column in figures for figures in here.values())]
        rows = [[name, *(f"{PERCENT * one[column]:.1f}" for column in columns)] for name, one in here.items()]
        count = int(next(iter(here.values()))["pictures"])
        made.append(Table(["%", *(COLUMNS[column] for column in columns)], rows, f"{part}, {sort}, {count} pictures"))
    return made
