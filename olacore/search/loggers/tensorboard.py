"""TensorBoard: event files, written by tensorboardX, in a folder of the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from time import time
from typing import Any

import numpy as np

from olacore.search.loggers.base import LOGGERS, Entry, Logger, Run

EVENTS = "events.out.tfevents."


@LOGGERS.add
class TensorBoard(Logger):
    """One file of events.

    What an earlier run, or an earlier part of this one, left in the folder is replaced.

    Parameters
    ----------
    place : a folder of runs, each in a folder of its name; None for `tensorboard` in the run's own folder
    """

    name = "tensorboard"
    package = "tensorboardX"

    def prepare(self) -> None:
        """Import the package, which takes long where torch is installed."""
        import tensorboardX  # noqa: F401

    def begin(self, run: Run) -> None:
        """Open the file."""
        from tensorboardX import RecordWriter
        from tensorboardX.summary import hparams

        folder = Path(self.place) / run.name if self.place else run.folder / "tensorboard"
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f"{EVENTS}*"):
            left.unlink()
        now = time()
        # Its own writers swallow errors in threads.
        self.file = RecordWriter(str(folder.absolute() / f"{EVENTS}{now:.0f}.olacore"))
        self._write(now, file_version="brain.Event:2")
        *begun, self.ended = hparams(run.settings, {"validation/best_loss": 0.0, "validation/best_r2": 0.0})
        for summary in begun:
            self._write(now, summary=summary)

    def log(self, entries: Sequence[Entry]) -> None:
        """Write an event for each step."""
        from tensorboardX.proto.summary_pb2 import Summary

        for step, wall, scalars in entries:
            values = [Summary.Value(tag=name, simple_value=value) for name, value in scalars.items()]
            self._write(wall, step=step, summary=Summary(value=values))
        self.file.flush()

    def picture(self, step: int, wall: float, name: str, pixels: np.ndarray) -> None:
        """Write one event."""
        from tensorboardX.summary import image

        self._write(wall, step=step, summary=image(name, pixels, dataformats="HWC"))

    def end(self, finished: bool) -> None:
        """Close the file."""
        if finished:
            self._write(time(), summary=self.ended)
        self.file.close()

    def _write(self, wall: float, **event: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self.file.write(Event(wall_time=wall, **event).SerializeToString())
