"""Measurements kept in files with what decided about them, so that an interrupted comparison goes on where it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.files import replace_file
from olacore.json_text import read_json

SCHEMA = "olacore/cell/1"


@dataclass(frozen=True)
class Cells:
    """A folder of measurements.

    Parameters
    ----------
    folder : one JSON file each
    frozen : whether only what is there is given, and nothing measured
    """

    folder: Path
    frozen: bool = False

    def get(
        self,
        name: str,
        key: dict[str, Any],
        make: Callable[[], dict[str, Any]],
        serves: Callable[[dict[str, Any]], bool] = lambda value: True,
    ) -> dict[str, Any] | None:
        """Give a measurement: a kept one of the same key, or else a new one; None where it would have to be made and
        the folder is frozen.

        Parameters
        ----------
        key : everything that decides about it, in JSON types; what only `make` can know is added to it there
        make : measures; its value is given as JSON gives it back
        serves : whether a kept value of the same key is good enough
        """
        path = self.folder / file_name(name)
        kept = read(path)
        if kept is not None and kept["key"] == plain(key) and serves(kept["value"]):
            return dict(kept["value"])
        if self.frozen:
            return None
        value = plain(make())
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"schema": SCHEMA, "key": plain(key), "value": value}, indent=1)
        replace_file(path, (text + "\n").encode())
        return dict(value)


def file_name(name: str) -> str:
    """Name of a cell's file: whatever may not stand in one becomes `+`."""
    return re.sub(r"[^\w.=-]", "+", name) + ".json"


def read(path: Path) -> dict[str, Any] | None:
    """Read a cell's file; None if there is none, or something else."""
    try:
        found = read_json(path, "the cell")
    except FileFormatError:
        return None
    whole = isinstance(found, dict) and found.get("schema") == SCHEMA and {"key", "value"} <= found.keys()
    return found if whole else None


def plain(value: Any) -> Any:
    """A value as JSON gives it back; NumPy's numbers become floats."""
    return json.loads(json.dumps(value, default=float))
