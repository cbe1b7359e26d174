"""Runs that are shown: the logs in folders that were named when the server was started, and no other file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.foreign.names import json_value
from olacore.foreign.reading import read_file
from olacore.search.run_log import LOG, MOST_LOG, parse_line

# Runs that are listed, and points of a curve.
MOST_RUNS, POINTS = 200, 400
SHOWN = ("generation", "seconds", "samples", "loss", "validation_loss", "best_validation_loss", "validation_r2")


class Runs:
    """Run folders, and folders that runs are in.

    Parameters
    ----------
    folders : each has a log itself, or folders with logs in it

    Raises
    ------
    FileFormatError  if one is no folder
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        for folder in folders:
            if not folder.is_dir():
                raise FileFormatError(f"{folder} is no folder; name a run, or a folder of runs.")
        self._folders = [folder.resolve() for folder in folders]

    @property
    def watching(self) -> bool:
        """Whether there is any folder."""
        return bool(self._folders)

    def found(self) -> dict[str, Path]:
        """The logs by the names of their runs, the newest first."""
        logs: dict[str, Path] = {}
        for folder in self._folders:
            try:
                inside = [folder, *(one for one in folder.iterdir() if one.is_dir() and not one.is_symlink())]
            except OSError:  # it is gone
                continue
            for run in inside:
                log = run / LOG
                if log.is_file() and not log.is_symlink():
                    logs[run.name if run.name not in logs else f"{run.parent.name}/{run.name}"] = log
        newest = sorted(logs, key=lambda name: -changed(logs[name]))
        return {name: logs[name] for name in newest[:MOST_RUNS]}

    def curve(self, name: str) -> dict[str, Any]:
        """What a run has logged so far, thinned out to `POINTS` lines.

        Raises
        ------
        KeyError  if there is no such run
        FileFormatError  if its log is damaged
        """
        path = self.found()[name]
        texts = read_file(path, "the log", MOST_LOG).split(b"\n")[:-1]  # what is behind the last line is not whole
        every = max(1, -(-len(texts) // POINTS))
        chosen = [*range(len(texts) - 1, -1, -every)][::-1]
        lines = []
        for place in chosen:
            what = f"line {place + 1} of the log of {name}"
            line = parse_line(texts[place], what)
            lines.append({key: json_value(line[key]) for key in SHOWN if key in line})
        return {"name": name, "changed": changed(path), "lines": lines, "count": len(texts)}


def changed(path: Path) -> float:
    """When a file was last written to; 0 where it is gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
