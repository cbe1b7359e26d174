"""What a logger is, and what of a run it is told."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from olacore.errors import ConfigError
from olacore.registry import Registry
from olacore.search.run_log import name_of

# What the numbers of a line of the log are called where runs are compared.
NAMES = {
    "loss": "train/loss",
    "validation_loss": "validation/loss",
    "validation_r2": "validation/r2",
    "best_validation_loss": "validation/best_loss",
    "best_validation_r2": "validation/best_r2",
    "seconds": "progress/seconds",
    "samples": "progress/samples",
    "waited": "progress/seconds_waited_for_data",
}
QUANTILES = ("min", "median", "max")
# The generation, seconds since 1970, and finite numbers by name.
Entry = tuple[int, float, dict[str, float]]


@dataclass(frozen=True)
class Run:
    """A run, as loggers know it.

    Parameters
    ----------
    name : for people: that of its folder
    folder : of the run
    settings : hyperparameters by name, each a number, a truth value or text: the configuration, the digest of the data
        and the versions of what ran
    """

    name: str
    folder: Path
    settings: dict[str, Any]

    @classmethod
    def of(cls, folder: Path, settings: Mapping[str, Any]) -> Run:
        """Describe the run in a folder by what its `config.json` says."""
        return cls(name_of(folder), folder, dict(flat(settings)))


class Logger(ABC):
    """Sends one run to one service. All of its methods but `prepare` are called in one thread that is not the search's.

    Parameters
    ----------
    place : where in the service the run goes; None for the service's default

    Attributes
    ----------
    name : what `--log-to` takes, and the extra that installs what it needs
    package : that has to be installed
    """

    name: ClassVar[str]
    package: ClassVar[str]

    def __init__(self, place: str | None = None) -> None:
        self.place = place

    def prepare(self) -> None:  # noqa: B027 - nothing is a fine answer
        """Do what may ask the user something, such as to log in; before the search, in the thread of the caller."""

    @abstractmethod
    def begin(self, run: Run) -> None:
        """Begin a run."""

    @abstractmethod
    def log(self, entries: Sequence[Entry]) -> None:
        """Log numbers, the steps in their order."""

    @abstractmethod
    def picture(self, step: int, wall: float, name: str, pixels: np.ndarray) -> None:
        """Log a picture (h, w, 3) uint8."""

    @abstractmethod
    def end(self, finished: bool) -> None:
        """End the run, and see that all of it is where it belongs.

        Parameters
        ----------
        finished : it reached a limit; otherwise it was interrupted, or failed
        """


# Loggers by the name that `--log-to` takes.
LOGGERS: Registry[type[Logger]] = Registry("logger")


def make_logger(target: str) -> Logger:
    """Make a logger.

    Parameters
    ----------
    target : NAME or NAME=PLACE, the name being one of `LOGGERS`

    Raises
    ------
    ConfigError  if there is no such logger, or its package is not installed
    """
    name, equals, place = target.partition("=")
    if equals and not place:
        raise ConfigError(f"{target!r} names no place; write {name} or {name}=PLACE.")
    kind = LOGGERS.find(name)
    if find_spec(kind.package) is None:
        raise ConfigError(f"the logger {name} needs the package {kind.package}; pip install 'olacore[{name}]'.")
    return kind(place or None)


def entry(line: Mapping[str, Any], wall: float) -> Entry:
    """Return what loggers are told of a line of the log, which was written at that time."""
    return line["generation"], wall, scalars_of(line)


def scalars_of(line: Mapping[str, Any]) -> dict[str, float]:
    """Return the finite numbers of a line of the log, by the names that loggers give them."""
    found: dict[str, Any] = {}
    for name, value in line.items():
        if name == "trust" and isinstance(value, list):
            found |= {f"search/trust_{q}": part for q, part in zip(QUANTILES, value, strict=False)}
        elif name != "generation":
            found[NAMES.get(name, f"search/{name}")] = value
    return {name: float(value) for name, value in found.items() if is_number(value)}


def held_out_of(training: Mapping[str, Any]) -> dict[str, float]:
    """Return a module's held-out figures and those of its baselines, by names such as `held-out/module/r2`."""
    figures = dict(flat(training.get("held_out", {}), "/"))
    return {f"held-out/{name}": float(value) for name, value in figures.items() if is_number(value)}


def is_number(value: Any) -> bool:
    """Whether a value is a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def flat(values: Mapping[str, Any], joint: str = ".", prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the numbers, truth values and texts of nested values by their joined names; lists become JSON."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flat(value, joint, f"{prefix}{name}{joint}")
        elif value is not None:
            yield f"{prefix}{name}", value if isinstance(value, str | int | float) else json.dumps(value)
