"""A recipe: a JSON file that says, picture by picture, what a data set is made of.

`{"pictures": [{"file": "cat.jpg", "split": "train", "author": "", "licence": "", "crops": [[0, 10, 300]]}]}`

`crops` lists squares as top, left and side, in pixels of the picture; without it the usual rule cuts them.
`author` and `licence` may be left out.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.data import SPLITS
from olacore.errors import ConfigError
from olacore.foreign.schema import listed, maybe, one_of, record, require, text, whole
from olacore.json_text import read_json
from olacore.media.pictures import Square

# Of a recipe with a hundred thousand pictures.
MOST_BYTES = 1 << 25
MOST_PIXELS = (1 << 31) - 1


def _square(value: Any, place: str) -> None:
    listed(whole(0, MOST_PIXELS), 3, 3)(value, place)
    whole(1, MOST_PIXELS)(value[2], f"{place}[2]")


RECIPE = record(
    {
        "pictures": listed(
            record(
                {"file": text(), "split": one_of(SPLITS)},
                {"author": text(), "licence": text(), "crops": maybe(listed(_square, 1))},
                closed=True,
            ),
            1,
        )
    }
)


@dataclass(frozen=True)
class Entry:
    """What a recipe says of one picture."""

    split: str
    author: str = ""
    licence: str = ""
    squares: tuple[Square, ...] | None = None


def read_recipe(path: Path) -> dict[str, Entry]:
    """Read a recipe.

    Returns
    -------
    the entries by file name

    Raises
    ------
    FileFormatError  if the file is missing, no JSON, or not of the form above
    ConfigError  if a picture is named twice
    """
    recipe = require(RECIPE, read_json(path, "the recipe", largest=MOST_BYTES), f"the recipe {path}")
    entries: dict[str, Entry] = {}
    for picture in recipe["pictures"]:
        name = picture["file"]
        if name in entries:
            raise ConfigError(f"the recipe {path} names {name} twice.")
        squares = tuple(Square(*crop) for crop in picture["crops"]) if picture.get("crops") else None
        entries[name] = Entry(picture["split"], picture.get("author", ""), picture.get("licence", ""), squares)
    return entries
