"""Exact resume: everything that decides how a search goes on, written and read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from olacore.errors import ConfigError
from olacore.search.checkpoint import load_checkpoint, save_checkpoint
from olacore.search.task import Progress, Task
from olacore.search.validation import Validation
from olacore.strategies import Candidate
from olacore.views.scaling import Scaling

SCALING = ("input_mean", "input_scale", "target_mean", "target_scale")
COUNTERS = ("generation", "samples", "nonfinite", "stale", "seconds")
LOSSES = ("best_loss", "shown_loss", "shown_r2")


def save(task: Task, progress: Progress) -> None:
    """Write a checkpoint."""
    arrays = {f"state_{name}": array for name, array in progress.state.items()}
    arrays |= {"best_weights": progress.best.weights, "best_biases": progress.best.biases, **vars(progress.scaling)}
    for number, (weights, biases) in enumerate(progress.best.hidden):
        arrays |= {f"best_hidden_{number}_weights": weights, f"best_hidden_{number}_biases": biases}
    arrays |= {name: np.array(getattr(progress, name)) for name in LOSSES}
    settings = {
        "settings": task.settings(),
        "chosen": progress.strategy.chosen,
        "cursor": progress.cursor,
        "hidden": len(progress.best.hidden),
        **{name: getattr(progress, name) for name in COUNTERS},
    }
    save_checkpoint(task.folder.checkpoint, arrays, settings)


def resume(task: Task) -> tuple[Progress, Validation]:
    """Read the checkpoint of a run.

    Raises
    ------
    ConfigError  if the search was started with other settings; the first that differs is named
    FileFormatError  if the checkpoint is damaged or of another version
    """
    arrays, stored = load_checkpoint(task.folder.checkpoint)
    check_settings(task, stored["settings"])
    scaling = Scaling(*(arrays[name] for name in SCALING))
    layers = range(stored["hidden"])
    hidden = tuple((arrays[f"best_hidden_{k}_weights"], arrays[f"best_hidden_{k}_biases"]) for k in layers)
    state = {name.removeprefix("state_"): array for name, array in arrays.items() if name.startswith("state_")}
    best = Candidate(arrays["best_weights"], arrays["best_biases"], hidden)
    numbers: dict[str, Any] = {name: float(arrays[name]) for name in LOSSES}
    numbers |= {name: stored[name] for name in COUNTERS}
    strategy = replace(task.strategy, **stored["chosen"])
    progress = Progress(strategy, scaling, state, best, stored["cursor"], **numbers)
    return progress, Validation(task, scaling)


def check_settings(task: Task, given: dict[str, Any]) -> None:
    """Raise `ConfigError` unless a search was started with the settings of the task."""
    asked = task.settings()
    for name in {**given, **asked}:
        if asked.get(name) != given.get(name):
            raise ConfigError(
                f"the run in {task.folder.path} was started with {name} {given.get(name)!r}, "
                f"and --resume asks for {asked.get(name)!r}."
            )
