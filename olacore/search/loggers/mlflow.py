"""MLflow: an experiment of a tracking server, or of a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from olacore.search.loggers.base import LOGGERS, Entry, Logger, Run

EXPERIMENT = "olacore"
# What the service takes at most in a request, and of one setting.
PARAMS, METRICS, LETTERS = 100, 1000, 6000


@LOGGERS.add
class Mlflow(Logger):
    """A run of an experiment.

    `MLFLOW_TRACKING_URI` says where; without it, the folder `mlruns`, which needs no data base.

    Parameters
    ----------
    place : the experiment; None for "olacore"
    """

    name = "mlflow"
    package = "mlflow"

    def prepare(self) -> None:
        """Import the package, which takes a second or two."""
        import mlflow.tracking  # noqa: F401

    def begin(self, run: Run) -> None:
        """Begin a run."""
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        uri = os.environ.get("MLFLOW_TRACKING_URI") or Path("mlruns").absolute().as_uri()
        with folders_allowed(uri):
            self.client = MlflowClient(uri)
        name = self.place or EXPERIMENT
        found = self.client.get_experiment_by_name(name)
        experiment = found.experiment_id if found else self.client.create_experiment(name)
        self.id = self.client.create_run(experiment, run_name=run.name).info.run_id
        settings = [Param(key, str(value)[:LETTERS]) for key, value in run.settings.items()]
        for first in range(0, len(settings), PARAMS):
            self.client.log_batch(self.id, params=settings[first : first + PARAMS])

    def log(self, entries: Sequence[Entry]) -> None:
        """Log numbers, as many in a request as the service takes."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, round(wall * 1000), step)
            for step, wall, scalars in entries
            for name, value in scalars.items()
        ]
        for first in range(0, len(metrics), METRICS):
            self.client.log_batch(self.id, metrics=metrics[first : first + METRICS])

    def picture(self, step: int, wall: float, name: str, pixels: np.ndarray) -> None:
        """Log a picture as a file of the run."""
        self.client.log_image(self.id, pixels, artifact_file=f"{name}.png")

    def end(self, finished: bool) -> None:
        """End the run."""
        self.client.set_terminated(self.id, "FINISHED" if finished else "KILLED")


@contextmanager
def folders_allowed(uri: str) -> Iterator[None]:
    """Let MLflow open a folder, which it does only for those who say that they want one."""
    name, before = "MLFLOW_ALLOW_FILE_STORE", os.environ.get("MLFLOW_ALLOW_FILE_STORE")
    if uri.startswith("file:") and before is None:
        os.environ[name] = "true"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
