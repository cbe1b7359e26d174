"""What can be seen of a search while it runs: events, which every callback of `train` is called with."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from olacore.modules.module import Module
from olacore.search.run_folder import RunFolder
from olacore.strategies import Report


@dataclass(frozen=True)
class Event:
    """Something that happened in a search."""


@dataclass(frozen=True)
class Trying(Event):
    """A trial is about to begin: a short search by which the data choose options, before the search itself.

    Parameters
    ----------
    number : from 1 on
    total : how many trials there are; None where their losses decide that
    what : is tried, in words
    """

    number: int
    total: int | None
    what: str


@dataclass(frozen=True)
class Started(Event):
    """Data and settings fit each other; kernels are still to be compiled.

    Parameters
    ----------
    module : kind of the module
    folder : of the run
    settings : what decides the course of the search
    memory : bytes by what they are for
    """

    module: str
    folder: Path
    settings: dict[str, Any]
    memory: dict[str, int]


@dataclass(frozen=True)
class Compiled(Event):
    """Everything is compiled, and seconds begin to count."""


@dataclass(frozen=True)
class Advanced(Event):
    """A generation is over.

    Parameters
    ----------
    generation : its number, from 1 on
    samples : read so far
    report : of the strategy, in its internal scale
    """

    generation: int
    samples: int
    report: Report


@dataclass(frozen=True)
class Validating(Event):
    """The candidate is about to be scored on validation samples; clocks that compare searches stop here."""


@dataclass(frozen=True)
class Validated(Event):
    """The candidate was scored.

    Parameters
    ----------
    loss : in the units of the targets
    r2 : share of the targets' variance that it explains
    improved : whether it is the best so far
    """

    loss: float
    r2: float
    improved: bool


@dataclass(frozen=True)
class Reported(Event):
    """A line of the log.

    Parameters
    ----------
    line : JSON types, losses in the units of the targets
    module : makes the best module so far
    """

    line: dict[str, Any]
    module: Callable[[], Module]


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint is on disk.

    Parameters
    ----------
    path : of the checkpoint
    generation : that it was saved after
    """

    path: Path
    generation: int


@dataclass(frozen=True)
class Finished(Event):
    """The module is on disk.

    Parameters
    ----------
    stopped : why the search ended
    module : the best one
    folder : of the run
    """

    stopped: str
    module: Module
    folder: Path


@dataclass(frozen=True)
class Folding(Event):
    """A search without the samples of a fold is about to begin, of which there are no other events.

    Parameters
    ----------
    number : of the fold, from 1 on
    total : how many folds there are
    """

    number: int
    total: int


Callback = Callable[[Event], None]


class LogWriter:
    """Writes every line into the log of a run folder.

    Parameters
    ----------
    folder : of the run
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Reported):
            self.folder.log(event.line)


def notify(callbacks: Iterable[Callback], event: Event) -> None:
    """Call every callback with an event.

    Parameters
    ----------
    callbacks : called in their order
    event : what happened
    """
    for callback in callbacks:
        callback(event)
