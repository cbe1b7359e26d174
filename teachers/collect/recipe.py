"""A recipe: a JSON file that says, picture by picture, what a data set is made of.

`{"pictures": [{"file": "cat.jpg", "split": "train", "author": "", "licence": "", "crops": [[0, 10, 300]]}]}`

`crops` lists squares as top, left and side, in pixels of the picture; without it the usual rule cuts them.
`author` and `licence` may be left out.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.data import SPLITS
from olacore.errors import ConfigError, FileFormatError
from olacore.media.pictures import Square


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
    FileFormatError  if the file is missing or no JSON
    ConfigError  if an entry is not of the form above, or a picture is named twice
    """
    try:
        recipe = json.loads(path.read_bytes())
    except OSError as error:
        raise FileFormatError(f"expected a recipe at {path}: {error.strerror}.") from error
    except ValueError as error:
        raise FileFormatError(f"the recipe {path} is no JSON: {error}.") from error
    pictures = recipe.get("pictures") if isinstance(recipe, dict) else None
    if not isinstance(pictures, list) or not pictures:
        raise ConfigError(f"the recipe {path} must be an object with a list of 'pictures'.")
    entries: dict[str, Entry] = {}
    for number, picture in enumerate(pictures):
        try:
            name, entry = _read_entry(**picture)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"picture {number} of the recipe {path} is wrong: {error}.") from error
        if name in entries:
            raise ConfigError(f"the recipe {path} names {name} twice.")
        entries[name] = entry
    return entries


def _read_entry(file: str, split: str, author: str = "", licence: str = "", crops: Any = None) -> tuple[str, Entry]:
    if not all(isinstance(text, str) for text in (file, split, author, licence)):
        raise TypeError("file, split, author and licence must be text")
    if split not in SPLITS:
        raise ValueError(f"a split is one of {', '.join(SPLITS)}; got {split!r}")
    if crops is None:
        return file, Entry(split, author, licence)
    squares = tuple(Square(top, left, side) for top, left, side in crops)
    whole = all(type(value) is int for square in squares for value in square)
    if not squares or not whole or any(min(top, left, side - 1) < 0 for top, left, side in squares):
        raise ValueError(f"crops must be [top, left, side] in whole pixels; got {crops}")
    return file, Entry(split, author, licence, squares)
