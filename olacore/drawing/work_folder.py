"""The folder that `ola make-set` makes a set in: what its record holds, and where the set is."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from olacore.files import is_there
from olacore.foreign.json_text import read_json
from olacore.foreign.schema import flag, mapping, number, one_of, record, require, text

RECORD = "make-set.json"
SCHEMA = "olacore/make-set/1"
# The last step, which puts the set together.
BUNDLE = "bundle"
# A shell may write every picture's name into a command, up to 2 MB of them.
TRIED = {"command": text(1 << 22), "digest": text(64), "done": flag, "wall": number(0), "processor": number(0)}
GIVEN = {"given": mapping(text(64))}
# Of the steps whose files a step reads, what `Work.digest` said of them, by their names; and of a set, its `set.json`.
MADE = {**GIVEN, "read": mapping(text(64)), "set": text(64)}
# While a try is to replace what was made otherwise: what was recorded of that, and its size and time.
STEP = record(TRIED, {**MADE, "over": record({**TRIED, "stamp": text(64)}, MADE)})
# Of files: a digest of names, sizes and times, and one of names and content.
SEEN = record({"stamp": text(64), "digest": text(64)})
CONTENT = record({"schema": one_of([SCHEMA]), "steps": mapping(STEP)}, {"files": mapping(SEEN)})


def read_record(folder: Path) -> dict[str, Any]:
    """What is recorded: `steps` by their names, and perhaps `files`; no steps where there is no record.

    Raises
    ------
    FileFormatError  if it cannot be read
    """
    path = folder / RECORD
    if not is_there(path):
        return {"steps": {}}
    return dict(require(CONTENT, read_json(path, "the record"), str(path)))


def where_set(folder: Path) -> str:
    """End of a sentence on a folder of the work, taken for a set: where that was written, or how to go on.

    Raises
    ------
    FileFormatError  if the record cannot be read
    """
    last = read_record(folder)["steps"].get(BUNDLE, {})
    if not last.get("done"):
        return "the set is not made yet: go on with the same `ola make-set` as before"
    try:
        words = shlex.split(last["command"])
        return f"the set was written to {words[words.index('-o') + 1]}"
    except (ValueError, IndexError):
        return f"the last step, in {RECORD}, says where it wrote the set"
