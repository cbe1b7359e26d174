"""The record of a run: what was asked for, on what machine, and how each search began and ended.

Reports are made of it; nothing in it decides a search, and so it has dates, paths and seconds, which modules have not.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from olacore.files import append_to_file
from olacore.foreign.names import json_value
from olacore.search.config import TrainConfig
from olacore.search.islands.island import Island
from olacore.search.machine import describe_place, describe_versions
from olacore.search.observers import Advanced, Event, Finished, Started
from olacore.search.run_folder import SESSIONS


class SessionWriter:
    """A callback that writes a line into the run folder when a search begins, and one when it ends.

    Parameters
    ----------
    config : of the whole run, which may be several searches
    """

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self._folder: Path | None = None
        self._generation = 0

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Started):
            self._folder, self._generation = event.folder, 0
            place = {"cwd": str(Path.cwd()), "machine": describe_place(), "versions": describe_versions()}
            self._write(event.folder, {"event": "began", "asked": asked(self.config), **place})
        elif isinstance(event, Advanced):
            self._generation = event.generation
        elif isinstance(event, Finished) and event.folder == self._folder:
            self._write(event.folder, {"event": "ended", "stopped": event.stopped, "generation": self._generation})
            self._folder = None

    def _write(self, folder: Path, line: dict[str, Any]) -> None:
        told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), **json_value(line)}
        append_to_file(folder / SESSIONS, (json.dumps(told, allow_nan=False) + "\n").encode())


def asked(config: TrainConfig) -> dict[str, Any]:
    """Return the settings that are no defaults, in JSON types; a loss of one's own by its name."""
    found: dict[str, Any] = {}
    for one in fields(TrainConfig):
        value = getattr(config, one.name)
        default = {} if one.name == "options" else one.default
        if value == default or one.name in ("resume", "force"):
            continue
        if one.name == "loss":
            value = config.settled.objective.name
        if isinstance(value, Island):
            found |= value.asked()
        else:
            found[one.name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value
