"""A run folder as a report reads it: whatever is there, of runs that ended, were interrupted or still go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.files import is_there
from olacore.foreign.json_text import parse_json, read_json
from olacore.foreign.reading import read_file
from olacore.foreign.schema import anything, mapping, maybe, record, require, text, whole
from olacore.modules.module import Module, load
from olacore.quality.baselines import Baselines
from olacore.search.run_folder import ANSWERS, FILES, FOLD, SESSIONS
from olacore.search.run_log import MOST_LOG, read_lines

CONFIG, LOG, _, MODULE, BASELINES = FILES[:5]
# Searches of one folder.
MOST_SEARCHES = 100
_OURS = record({"strategy": text(), "loss": text(), "seed": whole()}, {"data": text(), "module": maybe(text())})
_SESSION = record(
    {"event": text()},
    {
        "at": text(),
        "asked": mapping(anything),
        "cwd": text(1 << 16),
        "machine": mapping(anything),
        "versions": mapping(text()),
        "stopped": text(),
        "generation": whole(),
    },
)
_GAUGES = {"trust": 3, "step": 0, "units": 0, "replaced": 0}


# The order of rows in tables; metadata are sorted by name.
_ORDER = ("module", "teacher", "least_squares", "mean")


@dataclass(frozen=True)
class Run:
    """A search and what it left behind.

    Parameters
    ----------
    name : to show
    path : its folder
    config : what decided its course
    lines : of its log, sound ones
    sessions : when it began and ended; empty for runs of versions that did not write it down
    module : the best one so far, where it can be read
    baselines : least squares and mean, of a run that ended
    notes : what is missing or damaged
    """

    name: str
    path: Path
    config: Mapping[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    module: Module | None = None
    baselines: Baselines | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def began(self) -> dict[str, Any]:
        """What is written down of its latest start."""
        return next((one for one in reversed(self.sessions) if one["event"] == "began"), {})

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for, settings that are no defaults; of old runs what decided the search."""
        if found := self.began.get("asked"):
            return dict(found)
        return {name: value for name, value in self.config.items() if name != "data" and value not in (None, [], {})}

    @property
    def kind(self) -> str:
        """What it makes: the kind of the module, or what was asked for."""
        return self.module.kind if self.module else str(self.config.get("module") or "plain")

    @property
    def stopped(self) -> str:
        """Why it ended, as far as that is known; empty for a run that goes on, or was killed."""
        last = self.sessions[-1] if self.sessions else {}
        return str(last.get("stopped", "")) if last.get("event") == "ended" else ""

    @property
    def digest(self) -> str:
        """Of the data."""
        return str(self.config.get("data") or (self.training.get("data") or ""))

    @property
    def training(self) -> dict[str, Any]:
        """What the module says of how it was found."""
        return self.module.training if self.module else {}

    @property
    def loss(self) -> str:
        """What was minimised."""
        return str(self.config.get("loss") or self.training.get("loss") or "mse")

    @property
    def held_out(self) -> dict[str, dict[str, dict[str, float]]]:
        """Held-out figures by part, then by module and baseline."""
        found = self.training.get("held_out")
        if not isinstance(found, dict) or not found:
            return {}
        parts = {"held-out": found} if "module" in found else found
        return {
            str(part): {
                str(row): {name: value for name, value in figures.items() if isinstance(value, float | int)}
                for row, figures in sorted(rows.items(), key=_place_of)
                if isinstance(figures, dict)
            }
            for part, rows in parts.items()
            if isinstance(rows, dict)
        }

    def series(self, name: str, over: str = "generation") -> list[tuple[float, float]]:
        """A figure of the log over generations or seconds, where both are there."""
        return [(float(line[over]), float(line[name])) for line in self.lines if _is_number(line, over, name)]

    def quantiles(self) -> list[tuple[float, list[float]]]:
        """Least, middle and most trust, by generation."""
        return [(float(line["generation"]), line["trust"]) for line in self.lines if "trust" in line]


@dataclass(frozen=True)
class Found:
    """A folder with one search, or with several of one plan.

    Parameters
    ----------
    runs : the one that the folder is about first
    plan : "single"; "pair", the decoder first; "folds", whose runs after the first left some samples out; "several"
        that stand alone
    """

    name: str
    runs: list[Run]
    plan: str = "single"


def find_runs(path: Path) -> Found:
    """Read a run folder, or a folder with several.

    Raises
    ------
    FileFormatError  if it is missing, no folder, or holds no run
    """
    if not path.is_dir():
        what = "it is a file" if path.exists() else "there is no such folder"
        raise FileFormatError(f"{path} is no run folder: {what}; name one that `ola train` made.")
    name = path.resolve().name or str(path)
    if is_there(path / CONFIG):
        folds = [child for child in _children(path) if child.name.startswith(FOLD) and is_there(child / CONFIG)]
        plan = "folds" if folds or is_there(path / ANSWERS) else "single"
        return Found(name, [read_run(path, name), *(read_run(child, child.name) for child in folds)], plan)
    children = _children(path)
    if not children:
        raise FileFormatError(f"the folder {path} holds no run; name one that `ola train` made.")
    if len(children) > MOST_SEARCHES:
        raise FileFormatError(f"{path} holds {len(children)} runs; a report takes {MOST_SEARCHES} at most: name some.")
    if {child.name for child in children} == {"encoder", "decoder"}:
        decoder, encoder = (read_run(path / child, child) for child in ("decoder", "encoder"))
        if of_pair(encoder):
            if not decoder.config:  # an affine pair is evolved in one search, which the encoder's folder is of
                decoder = replace(decoder, config=encoder.config, lines=encoder.lines, sessions=encoder.sessions)
            return Found(name, [decoder, encoder], "pair")
    runs = []
    for child in children:
        if is_there(child / CONFIG):
            runs.append(read_run(child, child.name))
        elif _children(child):
            runs += [replace(run, name=f"{child.name}/{run.name}") for run in find_runs(child).runs]
    if not runs:
        raise FileFormatError(f"the folder {path} holds modules and no run; name one that `ola train` made.")
    return Found(name, runs, "single" if len(runs) == 1 else "several")


def of_pair(run: Run) -> bool:
    """Whether a search is one of a pair's."""
    return "pair" in (run.config.get("module"), run.asked.get("module"))


def _children(path: Path) -> list[Path]:
    """Folders in it that hold a search, a module, or both in folders of their own, as those of a pair are."""
    return sorted(
        child for child in path.iterdir() if child.is_dir() and (_holds(child) or any(map(_holds, _dirs(child))))
    )


def _holds(path: Path) -> bool:
    return any(is_there(path / name) for name in (CONFIG, MODULE))


def _dirs(path: Path) -> list[Path]:
    return [child for child in path.iterdir() if child.is_dir()]


def read_run(path: Path, name: str) -> Run:
    """Read a run folder; what is damaged beside its settings is left out and noted.

    Raises
    ------
    FileFormatError  if its settings are damaged or those of something else
    """
    notes: list[str] = []
    config = _config(path)
    lines, sessions = _log(path, notes), _sessions(path, notes)
    module = baselines = None
    if is_there(path / MODULE):
        try:
            module = load(path / MODULE)
        except FileFormatError as error:
            notes.append(f"The module cannot be read: {error}")
    if is_there(path / BASELINES) and module is not None:
        try:
            baselines = Baselines.load(path / BASELINES)
        except FileFormatError as error:
            notes.append(f"The baselines cannot be read: {error}")
    return Run(name, path, config, lines, sessions, module, baselines, notes)


def _config(path: Path) -> dict[str, Any]:
    if not is_there(path / CONFIG):
        return {}
    found = read_json(path / CONFIG, "the settings")
    if not isinstance(found, dict) or "strategy" not in found:
        raise FileFormatError(f"{path / CONFIG} holds no settings of a run; name a folder that `ola train` made.")
    return dict(require(_OURS, found, str(path / CONFIG)))


def _log(path: Path, notes: list[str]) -> list[dict[str, Any]]:
    sound: list[dict[str, Any]] = []
    try:
        found = read_lines(path / LOG)
    except FileFormatError as error:
        notes.append(f"The log cannot be read: {error}")
        return []
    damaged = [one for one in found if isinstance(one, FileFormatError)]
    if damaged:
        notes.append(
            f"{len(damaged)} of {len(found)} lines of the log are damaged and left out; the first: {damaged[0]}"
        )
    for line in found:
        if not isinstance(line, FileFormatError):
            odd = [name for name, count in _GAUGES.items() if name in line and not _is_gauge(line[name], count)]
            sound.append({name: value for name, value in line.items() if name not in odd})
    return sound


def _sessions(path: Path, notes: list[str]) -> list[dict[str, Any]]:
    if not is_there(path / SESSIONS):
        return []
    try:
        return [*_parsed(path / SESSIONS)]
    except FileFormatError as error:
        notes.append(f"What was asked for cannot be read: {error}")
        return []


def _parsed(path: Path) -> Iterator[dict[str, Any]]:
    # A last line that a kill cut short is left out.
    for count, line in enumerate(read_file(path, "the sessions", MOST_LOG).split(b"\n")[:-1], 1):
        what = f"line {count} of {path}"
        yield dict(require(_SESSION, parse_json(line, what), what))


def _place_of(row: tuple[str, Any]) -> int:
    return _ORDER.index(row[0]) if row[0] in _ORDER else len(_ORDER)


def _is_gauge(value: Any, count: int) -> bool:
    if not count:
        return type(value) in (int, float)
    return isinstance(value, list) and len(value) == count and all(type(one) in (int, float) for one in value)


def _is_number(line: Mapping[str, Any], *names: str) -> bool:
    return all(type(line.get(name)) in (int, float) for name in names)
