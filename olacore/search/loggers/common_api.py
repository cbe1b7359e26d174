"""Weights & Biases, and trackio, which has the same functions: init, log, finish."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from typing import Any

import numpy as np

from olacore.search.loggers.base import LOGGERS, Entry, Logger, Run

PROJECT = "olacore"


class CommonApi(Logger):
    """A run of a project.

    Parameters
    ----------
    place : the project; None for "olacore"
    """

    # The name of a step's time, where the service can be told.
    wall: str | None = None

    def prepare(self) -> None:
        """Import the package, which takes a second."""
        import_module(self.package)

    @abstractmethod
    def options(self, run: Run) -> dict[str, Any]:
        """Return what `init` is told beside project, name and settings."""

    def begin(self, run: Run) -> None:
        """Begin a run."""
        self.api: Any = import_module(self.package)
        # Standard output is for results.
        with redirect_stdout(sys.stderr):
            self.run = self.api.init(
                project=self.place or PROJECT, name=run.name, config=run.settings, **self.options(run)
            )

    def log(self, entries: Sequence[Entry]) -> None:
        """Log numbers, the steps in their order."""
        for step, wall, scalars in entries:
            self._log(step, wall, scalars)

    def picture(self, step: int, wall: float, name: str, pixels: np.ndarray) -> None:
        """Log a picture."""
        self._log(step, wall, {name: self.api.Image(pixels)})

    def _log(self, step: int, wall: float, values: Mapping[str, Any]) -> None:
        self.run.log({**values, **({self.wall: wall} if self.wall else {})}, step=step)

    def end(self, finished: bool) -> None:
        """End the run."""
        with redirect_stdout(sys.stderr):
            self._finish(finished)

    def _finish(self, finished: bool) -> None:
        self.run.finish()


@LOGGERS.add
class Wandb(CommonApi):
    """Weights & Biases; with `WANDB_MODE=offline` the run stays in the run folder, for `wandb sync`.

    Parameters
    ----------
    place : the project; None for "olacore"
    """

    name = "wandb"
    package = "wandb"
    wall = "_timestamp"

    def prepare(self) -> None:
        """Log in, which asks for a key where there is none and somebody can answer."""
        super().prepare()
        import_module(self.package).login()

    def options(self, run: Run) -> dict[str, Any]:
        """Nothing but the run is sent: neither what is printed nor the machine's load, code or git state."""
        quiet = {"console": "off", "silent": True, "x_disable_stats": True, "disable_git": True, "save_code": False}
        settings = import_module(self.package).Settings(**quiet)
        where = {} if "WANDB_DIR" in os.environ else {"dir": str(run.folder.absolute())}
        return {"reinit": "create_new", "settings": settings, **where}

    def _finish(self, finished: bool) -> None:
        self.run.finish(exit_code=0 if finished else 1)


@LOGGERS.add
class Trackio(CommonApi):
    """A data base of trackio on this machine, unless its own settings name a server; it keeps its own times.

    Parameters
    ----------
    place : the project; None for "olacore"
    """

    name = "trackio"
    package = "trackio"

    def options(self, run: Run) -> dict[str, Any]:
        """The run and nothing of the machine."""
        return {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
