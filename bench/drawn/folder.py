"""A drawn set as a folder: pictures, and a table of their captions and parts for `ola precompute --captions`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from PIL import Image

from bench.drawn.pictures import draw
from bench.drawn.scenes import CAPTIONS_IN_ALL, Split, choose, in_styles
from olacore.errors import ConfigError, DataError, OutputExistsError
from olacore.files import replace_file
from olacore.foreign.reading import read_file
from olacore.text.style import styled

PICTURES, CAPTIONS = "pictures", "captions.csv"
HEAD, STYLE = ("file_name", "caption", "part"), "style"
# Below it the judge takes some of the smallest things for others; with styles, smallest stars that are outlined.
LEAST_SIDE, LEAST_STYLED = 40, 48
MOST_BYTES = 1 << 26


def read_table(path: Path) -> dict[str, str]:
    """The part of each caption, with its style, of a table that `make` wrote, in the table's order.

    Raises
    ------
    DataError  if it is no such table
    """
    try:
        lines = [*csv.DictReader(io.StringIO(read_file(path, "the table", MOST_BYTES).decode()), strict=True)]
        return {styled(line["caption"], line.get(STYLE, "")): line["part"] for line in lines}
    except (UnicodeDecodeError, csv.Error, KeyError) as error:
        raise DataError(f"{path} is no table of the drawn set, with the columns {', '.join(HEAD)}.") from error


def make(folder: Path, side: int, count: int, seed: int, styles: bool = False) -> Counter[str]:
    """Draw a set into a folder that is new or empty.

    Parameters
    ----------
    styles : draw each picture in a style, which the table has too

    Returns
    -------
    how many captions are in each part

    Raises
    ------
    ConfigError  if a number is out of range
    OutputExistsError  if there is something in the folder
    """
    if side < (least := LEAST_STYLED if styles else LEAST_SIDE) or side % 8:
        raise ConfigError(f"size must be a multiple of 8 from {least} on; got {side}.")
    if seed < 0:
        raise ConfigError(f"seed must be 0 or more; got {seed}.")
    if not 1 <= count <= CAPTIONS_IN_ALL:
        raise ConfigError(f"count must be 1 to {CAPTIONS_IN_ALL}, which is all captions; got {count}.")
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(f"{folder} is not empty.")
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    split, table = Split.of(seed), io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow((*HEAD, STYLE) if styles else HEAD)
    parts: Counter[str] = Counter()
    scenes = choose(count, seed)
    for number, scene in enumerate(in_styles(scenes, seed) if styles else scenes):
        name = f"{number:05d}.png"
        Image.fromarray(draw(scene, side)).save(folder / PICTURES / name)
        part = split.part_of(scene)
        parts[part] += 1
        writer.writerow((name, scene.plain, part, *([scene.style] if styles else [])))
    replace_file(folder / CAPTIONS, table.getvalue().encode())
    return parts
