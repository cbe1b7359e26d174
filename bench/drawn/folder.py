"""A drawn set as a folder: pictures, and a table of their captions and parts for `ola precompute --captions`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

from PIL import Image

from bench.drawn.pictures import draw
from bench.drawn.scenes import CAPTIONS_IN_ALL, Split, choose
from olacore.errors import ConfigError, DataError, OutputExistsError
from olacore.files import replace_file
from olacore.foreign.reading import read_file

PICTURES, CAPTIONS = "pictures", "captions.csv"
HEAD = ("file_name", "caption", "part")
# Below it the judge takes some of the smallest things for others.
LEAST_SIDE = 40
MOST_BYTES = 1 << 26


def read_table(path: Path) -> dict[str, str]:
    """The part of each caption of a table that `make` wrote, in the table's order.

    Raises
    ------
    DataError  if it is no such table
    """
    try:
        lines = [*csv.DictReader(io.StringIO(read_file(path, "the table", MOST_BYTES).decode()), strict=True)]
        return {line["caption"]: line["part"] for line in lines}
    except (UnicodeDecodeError, csv.Error, KeyError) as error:
        raise DataError(f"{path} is no table of the drawn set, with the columns {', '.join(HEAD)}.") from error


def make(folder: Path, side: int, count: int, seed: int) -> Counter[str]:
    """Draw a set into a folder that is new or empty.

    Returns
    -------
    how many captions are in each part

    Raises
    ------
    ConfigError  if a number is out of range
    OutputExistsError  if there is something in the folder
    """
    if side < LEAST_SIDE or side % 8:
        raise ConfigError(f"size must be a multiple of 8 from {LEAST_SIDE} on; got {side}.")
    if seed < 0:
        raise ConfigError(f"seed must be 0 or more; got {seed}.")
    if not 1 <= count <= CAPTIONS_IN_ALL:
        raise ConfigError(f"count must be 1 to {CAPTIONS_IN_ALL}, which is all captions; got {count}.")
    if folder.exists() and any(folder.iterdir()):
        raise OutputExistsError(f"{folder} is not empty.")
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    split, table = Split.of(seed), io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEAD)
    parts: Counter[str] = Counter()
    for number, scene in enumerate(choose(count, seed)):
        name = f"{number:05d}.png"
        Image.fromarray(draw(scene, side)).save(folder / PICTURES / name)
        part = split.part_of(scene)
        parts[part] += 1
        writer.writerow((name, scene.caption, part))
    replace_file(folder / CAPTIONS, table.getvalue().encode())
    return parts
