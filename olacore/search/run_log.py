"""The story that a run folder tells: `config.json` and `log.jsonl`, read whole, or followed while they grow."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.files import is_there
from olacore.foreign.json_text import parse_json
from olacore.foreign.reading import read_file
from olacore.foreign.schema import maybe, number, record, require, whole
from olacore.search.machine import is_gone

# The run folder of one of several islands.
ISLAND = re.compile("island-[0-9]+")
CONFIG, LOG, MODULE, SESSIONS = "config.json", "log.jsonl", "module.safetensors", "sessions.jsonl"
MOST_LOG, MOST_CONFIG = 1 << 28, 1 << 24
# Bytes of a log that are read at once while it is followed.
AT_ONCE = 1 << 20
_FIGURE = maybe(number())
LINE = record(
    {"generation": whole()},
    {
        "seconds": number(0),
        "samples": whole(),
        **{f"{best}validation_{name}": _FIGURE for best in ("", "best_") for name in ("loss", "r2")},
        "loss": _FIGURE,
    },
)


def parse_line(text: bytes, what: str) -> dict[str, Any]:
    """Return a line of a log.

    Parameters
    ----------
    what : the line, for messages

    Raises
    ------
    FileFormatError  if it is not what a search logs
    """
    return dict(require(LINE, parse_json(text, what), what))


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of the log in a run folder, none where there is no log; a last one cut short is left out.

    Raises
    ------
    FileFormatError  if any other line is not what a search logs
    """
    lines = []
    for line in read_lines(folder / LOG):
        if isinstance(line, FileFormatError):
            raise line
        lines.append(line)
    return lines


def read_lines(file: Path) -> list[dict[str, Any] | FileFormatError]:
    """Return the lines of a log, none where there is no log; for each that is damaged, the error that says so.

    A last one that a kill cut short is left out.

    Raises
    ------
    FileFormatError  if the file cannot be read
    """
    if not is_there(file):
        return []
    texts = read_file(file, "the log", MOST_LOG).split(b"\n")
    last = texts.pop()
    if last and not last.startswith(b"{"):
        texts.append(last)  # no line of ours, whole or not
    lines: list[dict[str, Any] | FileFormatError] = []
    for count, text in enumerate(texts, 1):
        try:
            lines.append(parse_line(text, f"line {count} of {file}"))
        except FileFormatError as error:
            lines.append(error)
    return lines


def timed_log(folder: Path) -> list[tuple[dict[str, Any], float]]:
    """Return the lines of a log, each with its time in seconds since 1970: the last was written when the file was.

    Raises
    ------
    FileFormatError  as `read_log`
    """
    lines = read_log(folder)
    if not lines:
        return []
    written = (folder / LOG).stat().st_mtime
    last = lines[-1].get("seconds", 0.0)
    return [(line, written - (last - line.get("seconds", last))) for line in lines]


def read_config(folder: Path) -> dict[str, Any]:
    """Return what `config.json` of a run folder says.

    Raises
    ------
    FileFormatError  if it is missing or damaged
    """
    file = folder / CONFIG
    found = parse_json(read_file(file, "the configuration", MOST_CONFIG), str(file))
    if not isinstance(found, dict):
        raise FileFormatError(f"{file} must hold an object; it holds {type(found).__name__}.")
    return found


def runs_in(path: Path) -> list[Path]:
    """Return the run folders that a path names: itself, else those in it, such as the two of a pair, sorted.

    Folders deeper than two below it are not looked at.
    """
    if is_there(path / CONFIG) or is_there(path / LOG):
        return [path]
    found = []
    for entry in sorted(path.iterdir()) if path.is_dir() else ():
        configs = [entry / CONFIG] if is_run_config(entry / CONFIG) else sorted(entry.glob(f"*/{CONFIG}"))
        found += [config.parent for config in configs if is_run_config(config)]
    return found


def is_run_config(file: Path) -> bool:
    """Whether a `config.json` is there, and a run's: other programs have files of that name."""
    return is_there(file) and any(is_there(file.with_name(name)) for name in (LOG, "checkpoint.safetensors"))


def name_of(folder: Path) -> str:
    """Return what a run is called: its folder, with the one above where a plan named the folder after its search."""
    folder = folder if folder.name and folder.name != ".." else folder.resolve()
    plain = (folder.name in ("encoder", "decoder", "stack") or ISLAND.fullmatch(folder.name)) and folder.parent.name
    return f"{folder.parent.name}/{folder.name}" if plain else folder.name


def newest_in(folder: Path) -> list[Path]:
    """Return the entry of a folder whose search was begun last, in a list; an empty one where it holds no run."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    begun = {
        entry: max((run / CONFIG).stat().st_mtime_ns for run in found) for entry in entries if (found := runs_in(entry))
    }
    return [max(begun, key=lambda entry: begun[entry])] if begun else []


class Follower:
    """Reads the log of a run while it grows.

    Parameters
    ----------
    folder : of the run, which need not be there yet

    Attributes
    ----------
    lines : so far
    damaged : whole lines that are not what a search logs, and are left out
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[dict[str, Any]] = []
        self.damaged = 0
        self._read, self._file = 0, -1

    @property
    def last(self) -> Mapping[str, Any]:
        """The last line; empty where there is none yet."""
        return self.lines[-1] if self.lines else {}

    def poll(self) -> int:
        """Read what is new, and return how many lines that are.

        A log that was replaced, as a run that is resumed or started anew does, is read from its beginning; a last line
        that is cut short is read when the rest of it is there.
        """
        try:
            with (self.folder / LOG).open("rb") as file:
                about = os.fstat(file.fileno())
                if about.st_ino != self._file or about.st_size < self._read:
                    self.lines, self.damaged, self._read, self._file = [], 0, 0, about.st_ino
                before = len(self.lines)
                file.seek(self._read)
                while (some := file.read(AT_ONCE)) and (end := some.rfind(b"\n") + 1):
                    self._take(some[:end])
                    self._read += end
                    file.seek(self._read)
        except FileNotFoundError:
            self.lines, self.damaged, self._read, self._file = [], 0, 0, -1
            return 0
        except OSError as error:
            raise FileFormatError(f"cannot read {self.folder / LOG}: {error.strerror}.") from error
        return len(self.lines) - before

    def _take(self, texts: bytes) -> None:
        for text in texts.splitlines():
            try:
                self.lines.append(parse_line(text, "a line"))
            except FileFormatError:
                self.damaged += 1

    def ended(self) -> bool:
        """Whether the module is there, and no older than the log: a search writes it last."""
        try:
            made = (self.folder / MODULE).stat().st_mtime_ns
        except OSError:
            return False
        try:
            return made >= (self.folder / LOG).stat().st_mtime_ns
        except OSError:
            return True

    def gone(self) -> bool:
        """Whether it has not ended, and never will: the process that searched is known to be there no more."""
        try:
            lines = read_file(self.folder / SESSIONS, "the sessions", MOST_CONFIG).split(b"\n")[:-1]
            last = parse_json(lines[-1], "a session") if lines else {}
        except FileFormatError:
            return False
        began = isinstance(last, dict) and last.get("event") == "began"
        return began and not self.ended() and is_gone(last.get("process"))

    def is_of_pair(self) -> bool:
        """Whether it is the encoder of a pair, whose decoder is evolved after it."""
        return is_there(self.folder / CONFIG) and read_config(self.folder).get("module") == "pair"

    def age(self, now: float) -> float | None:
        """Seconds since the log was written; None where there is none."""
        try:
            return max(0.0, now - (self.folder / LOG).stat().st_mtime)
        except OSError:
            return None


class Followers:
    """Follows the runs that paths name, also those that come later.

    Parameters
    ----------
    paths : run folders, or folders of runs

    Attributes
    ----------
    runs : by folder, in the order in which they came
    missing : paths without a run so far
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.runs: dict[Path, Follower] = {}
        self.missing: list[Path] = [*paths]

    def poll(self) -> None:
        """Look for new runs and new lines.

        Raises
        ------
        FileFormatError  if a log cannot be read
        """
        self.missing = []
        for path in self.paths:
            found = runs_in(path)
            self.missing += [] if found else [path]
            for folder in found:
                self.runs.setdefault(folder, Follower(folder))
        for run in self.runs.values():
            run.poll()

    def named(self) -> dict[str, Follower]:
        """The runs by their names, or by their paths where names are not enough."""
        names = [name_of(folder) for folder in self.runs]
        unique = len({*names}) == len(names)
        return {name if unique else str(run.folder): run for name, run in zip(names, self.runs.values(), strict=True)}

    def over(self) -> bool:
        """Whether all runs are there and have ended, or never will, and no pair still waits for its decoder."""
        if self.missing or not all(run.ended() or run.gone() for run in self.runs.values()):
            return False
        return any(run.gone() for run in self.runs.values()) or all(
            is_there(run.folder.with_name("decoder") / MODULE) for run in self.runs.values() if run.is_of_pair()
        )
