"""Recipes: what each step of `ola make-set` is asked for, in a small file of TOML.

A table is a step, and its keys are the long options of the command of that step, as they are typed. The table denoiser
is for all levels of noise; what one of them has beside it stands in its own, such as level-4.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError, FileFormatError
from olacore.foreign.reading import read_file
from olacore.pretrained import guess

FOLDER = Path(__file__).parent / "recipes"
DEFAULT = "things"
SUFFIX = ".toml"
# Of a file.
LARGEST = 1 << 16
SEARCH = (
    *("strategy", "option", "loss", "output-weights", "weights", "stack", "budget", "components", "population"),
    *("seed", "block", "generations", "passes", "time", "until-loss", "patience", "skip-nonfinite"),
)
# Which options a table may have: those of its command that the other steps and the command line do not decide.
KEYS = {
    "data": (
        *("size", "crops", "crop", "seed", "upscale", "validation", "held-out", "set", "max-pixels", "every", "fps"),
        *("keyframes", "max-frames", "least-change", "max-damaged", "workers", "device", "batch", "config"),
        *("offline", "no-self-test"),
    ),
    "words": ("vocabulary", "common", "device", "offline", "no-self-test"),
    "text": ("view", "word-size", "word-bits", *SEARCH),
    "mean": ("folds", *SEARCH),
    "decoder": ("view", "window", *SEARCH),
    "refiner": ("patch", "border", "context", *SEARCH),
    "encoder": ("view", "border", *SEARCH),
    "rows": ("levels", "repeats", "seed"),
    "denoiser": ("window", "text-window", "wiener", *SEARCH),
}
# The step of one level begins with it.
LEVEL = "level-"
FLAGS = {"upscale", "keyframes", "offline", "no-self-test", "skip-nonfinite"}
# Given once for each entry of a list; of other options a list is one value, with commas.
REPEATED = {"option"}
# Of a text module that a set takes.
VIEWS = ("table", "scene")
# What no set is without; data and words have defaults that do.
NEEDED = ("mean", "decoder")


@dataclass(frozen=True)
class Recipe:
    """What each step is asked for.

    Parameters
    ----------
    name : of sentences: "the recipe scenes"
    tables : options of each step by their names; a step that has none is left out where it can be
    """

    name: str
    tables: Mapping[str, Mapping[str, Any]]

    def __contains__(self, step: str) -> bool:
        return step in self.tables

    def options(self, step: str, **given: Any) -> dict[str, Any]:
        """The options of a step; those that are given, and not None, count more."""
        shared = self.tables.get("denoiser", {}) if step.startswith(LEVEL) else {}
        told = {name: value for name, value in given.items() if value is not None}
        return {**shared, **self.tables.get(step, {}), **told}

    @property
    def levels(self) -> list[float]:
        """The noise levels of denoisers."""
        return list(self.tables["rows"]["levels"]) if "rows" in self else []


def level_name(level: float) -> str:
    """The step of a denoiser."""
    return f"{LEVEL}{level}"


def names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def read_recipe(reference: str, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe, and check all that can be known of it without data.

    Parameters
    ----------
    reference : a name, or a file
    changes : each written TABLE.KEY=VALUE, in place of what it says

    Raises
    ------
    ConfigError  if there is no such recipe, or it has a table, a key or a value that no step takes
    FileFormatError  if the file cannot be read, or is no TOML
    """
    shipped = reference in names()
    path = FOLDER / f"{reference}{SUFFIX}" if shipped else Path(reference)
    if not shipped and path.suffix != SUFFIX and not path.is_file():
        meant, known = guess(reference, names()), ", ".join(names())
        raise ConfigError(f"there is no recipe {reference!r}{meant}; name a file, or one of {known}.")
    told = f"the recipe {reference}"
    try:
        tables = tomllib.loads(read_file(path, "the recipe", LARGEST).decode())
    except (ValueError, RecursionError) as error:  # of TOML, or of UTF-8
        raise FileFormatError(f"{told} is no TOML: {error}.") from error
    for place, table in tables.items():
        check_table(told, place, table)
    for change in changes:
        place, key, value = parse_change(change)
        check_table(told, place, {})
        tables.setdefault(place, {})[key] = value
        check_table(told, place, {key: value})
    check_whole(told, tables)
    return Recipe(reference, tables)


def parse_change(change: str) -> tuple[str, str, Any]:
    """Return the table, the key and the value of TABLE.KEY=VALUE; what is no value of TOML is text.

    Raises
    ------
    ConfigError  if it is written otherwise
    """
    where, equals, text = change.partition("=")
    table, dot, key = where.strip().rpartition(".")
    if not (table and dot and key and equals):
        raise ConfigError(f"{change!r} changes nothing; write TABLE.KEY=VALUE, such as decoder.stack=512.")
    try:
        return table, key, tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return table, key, text.strip()


def check_table(told: str, place: str, table: Any) -> None:
    """Raise `ConfigError` unless a step takes a table.

    Parameters
    ----------
    told : begins the sentence
    """
    keys = KEYS.get("denoiser" if place.startswith(LEVEL) else place)
    if keys is None:
        known = ", ".join(KEYS)
        raise ConfigError(f"{told} has a table {place!r}{guess(place, KEYS)}, which is no step; there are {known}.")
    if not isinstance(table, dict):
        raise ConfigError(f"{told} gives {place} a value; it is a table, written [{place}].")
    for key, value in table.items():
        if place.startswith(LEVEL) and isinstance(value, dict):
            raise ConfigError(
                f'{told} has [{place}.{key}]; a level with a dot in its name is written ["{place}.{key}"].'
            )
        if key not in keys:
            meant, known = guess(key, keys), ", ".join(keys)
            raise ConfigError(f"{told} has {key!r} in [{place}]{meant}; that step takes {known}.")
        if (key in FLAGS) != isinstance(value, bool):
            what = "true or false" if key in FLAGS else "a number, text or a list of them"
            raise ConfigError(f"{told} has {value!r} as {key} in [{place}]; expected {what}.")
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, int | float | str) or (isinstance(each, float) and not isfinite(each)):
                raise ConfigError(
                    f"{told} has {each!r} as {key} in [{place}]; expected a number, text or a list of them."
                )


def check_whole(told: str, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise `ConfigError` unless the tables make a set together."""
    for step in NEEDED:
        if step not in tables:
            raise ConfigError(f"{told} has no table [{step}], and a set has to have one.")
    if "text" in tables and tables["text"].get("view") not in VIEWS:
        raise ConfigError(f"{told} must say in [text] which view its module has: {' or '.join(VIEWS)}.")
    if ("rows" in tables) != ("denoiser" in tables):
        there, missing = ("rows", "denoiser") if "rows" in tables else ("denoiser", "rows")
        raise ConfigError(f"{told} has [{there}] without [{missing}]; denoisers need both.")
    if "rows" in tables:
        levels = tables["rows"].get("levels")
        numbers = [level for level in levels if type(level) in (int, float)] if isinstance(levels, list) else []
        if not numbers or [*dict.fromkeys(numbers)] != levels or min(numbers) <= 0:
            raise ConfigError(
                f"{told} must list the noise levels of [rows], each once and above 0: levels = [2, 1, 0.5]."
            )
        if "folds" not in tables["mean"]:
            raise ConfigError(f"{told} has [rows], which need what modules of folds answer; give [mean] folds = 8.")
    levels = [level_name(level) for level in tables.get("rows", {}).get("levels", [])]
    for place in tables:
        if place.startswith(LEVEL) and place not in levels:
            quoted = ", ".join(f'["{level}"]' for level in levels) or "none"
            raise ConfigError(f"{told} has [{place}], which is no level of [rows]; the tables of levels are {quoted}.")


def written(options: Mapping[str, Any]) -> list[str]:
    """Options as they are typed."""
    words: list[str] = []
    for name, value in options.items():
        if isinstance(value, bool):
            words += [f"--{name}"] if value else []
            continue
        values = value if isinstance(value, list) else [value]
        for each in values if name in REPEATED else [",".join(map(str, values))]:
            words += [f"--{name}", str(each)]
    return words
