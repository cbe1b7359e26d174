"""Exact resume: everything that decides how a search goes on, written and read back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.modules.tensor_file import Layout, Tensors
from olacore.search.checkpoint import open_checkpoint, save_checkpoint
from olacore.search.start import measure
from olacore.search.task import Progress, Task
from olacore.search.validation import Validation
from olacore.strategies import Candidate
from olacore.views.scaling import Scaling

SCALES = ("input_scale", "target_scale")
COUNTERS: dict[str, Any] = {"generation": 0, "samples": 0, "nonfinite": 0, "replaced": 0, "stale": 0, "seconds": 0.0}
# Of islands alone.
EXCHANGED: dict[str, Any] = {"epochs": 0, "migrated": 0, "exchanged": 0.0, "awaited": 0.0}
CURSOR = {"pass": 0, "group": 0, "block": 0}
LOSSES = ("best_loss", "shown_loss", "shown_r2")
# Numbers of a checkpoint count something, and not so far.
MOST = 1 << 53
# Settings that no option of the same name sets.
NO_OPTION = {"report_every", "fold", "island", "lockstep", "graph", "sharded"}
# Hexadecimal digits of a digest, and those that a message shows.
DIGEST, SHOWN = 64, 12


def save(task: Task, progress: Progress) -> None:
    """Write a checkpoint."""
    settings = {
        "settings": task.settings(),
        "chosen": progress.strategy.chosen,
        "cursor": progress.cursor,
        "units": units_in(progress),
        **{name: getattr(progress, name) for name in counters_of(task)},
    }
    save_checkpoint(task.folder.checkpoint, arrays_of(progress), settings)


def counters_of(task: Task) -> dict[str, Any]:
    """What a search counts, and the types."""
    return COUNTERS if task.config.island is None else {**COUNTERS, **EXCHANGED}


def units_in(progress: Progress) -> dict[str, int]:
    """How many hidden units there are now, and how many the best candidate has."""
    hidden = {"now": progress.strategy.hidden(progress.state), "best": progress.best.hidden}
    return {when: sum(len(biases) for _, biases in maps) for when, maps in hidden.items()}


def arrays_of(progress: Progress) -> Tensors:
    """All arrays of a search by their names in a checkpoint."""
    arrays = {f"state_{name}": array for name, array in progress.state.items()}
    arrays |= {"best_weights": progress.best.weights, "best_biases": progress.best.biases, **progress.scaling.tensors}
    for number, (weights, biases) in enumerate(progress.best.hidden):
        arrays |= {f"best_hidden_{number}_weights": weights, f"best_hidden_{number}_biases": biases}
    return arrays | {name: np.array(float(getattr(progress, name))) for name in LOSSES}


def resume(task: Task) -> tuple[Progress, Validation]:
    """Read the checkpoint of a run.

    Raises
    ------
    ConfigError  if the search was started with other settings; the first that differs is named
    FileFormatError  if the checkpoint is damaged, of another version, or not one that this search could have written
    """
    with open_checkpoint(task.folder.checkpoint) as (file, stored):
        try:
            check_settings(task, stored.get("settings"))
            check_numbers(stored, task.strategy.chosen, counters_of(task))
            first = progress_like(task, stored)
            if units_in(first) != stored["units"]:
                raise FileFormatError(f"it has {stored['units']} hidden units, which this search does not come to.")
            expected = arrays_of(first)
            check_layout(file.layout, expected)
            arrays = file.load()
            check_arrays(arrays, expected)
        except FileFormatError as error:
            raise FileFormatError(f"cannot resume from {file.path}: {error}") from error
    scaling = Scaling(**{name: arrays[name] for name in first.scaling.tensors})
    hidden = tuple(
        (arrays[f"best_hidden_{k}_weights"], arrays[f"best_hidden_{k}_biases"]) for k in range(len(first.best.hidden))
    )
    numbers: dict[str, Any] = {name: float(arrays[name]) for name in LOSSES}
    numbers |= {name: stored[name] for name in counters_of(task)}
    progress = replace(
        first,
        scaling=scaling,
        state={name: arrays[f"state_{name}"] for name in first.state},
        best=Candidate(arrays["best_weights"], arrays["best_biases"], hidden),
        cursor=stored["cursor"],
        **numbers,
    )
    return progress, Validation(task, scaling)


def progress_like(task: Task, stored: dict[str, Any]) -> Progress:
    """Return where a search of the task would be at first, with as many hidden units as it has now."""
    strategy = replace(task.strategy, **stored["chosen"])
    scaling, problem, _ = measure(task)
    first = strategy.start(problem)
    best, state = (strategy.grown({**first}, stored["units"][when]) for when in ("best", "now"))
    return Progress(strategy, scaling, state, strategy.best(best))


def check_settings(task: Task, given: Any) -> None:
    """Raise `ConfigError` unless a search was started with the settings of the task."""
    asked = task.settings()
    if not isinstance(given, dict):
        raise FileFormatError(f"its settings must be dict; they are {type(given).__name__}.")
    for name in {**given, **asked}:
        if asked.get(name) != given.get(name):
            told = difference(name, given.get(name), asked.get(name))
            raise ConfigError(f"the run in {task.folder.path} was started {told}")


def difference(name: str, then: Any, now: Any) -> str:
    """End a sentence on a run that was started with another setting, by what to give to go on with it."""
    if isinstance(then, str) and isinstance(now, str) and len(then) == len(now) == DIGEST:
        return f"with other {name}: {then[:SHOWN]}, not {now[:SHOWN]}; give those that it was started with."
    what = f"without {name}" if then is None or then is False else f"with {name} {then!r}"
    what += "" if now is None or isinstance(now, bool) else f", not {now!r}"
    if name in NO_OPTION:
        return f"{what}; go on as it was started."
    option = "--" + name.replace("_", "-").removesuffix("s" if name == "options" else "")
    if then is None or then is False or then == [] or then == {}:
        return f"{what}; leave {option} out to go on with it."
    if isinstance(then, dict):
        return f"{what}; give {' '.join(f'{option} {key}={value}' for key, value in then.items())} to go on with it."
    text = "" if then is True else f" {','.join(map(str, then)) if isinstance(then, list) else then}"
    return f"{what}; give {option}{text} to go on with it."


def check_numbers(stored: dict[str, Any], chosen: dict[str, Any], counters: dict[str, Any]) -> None:
    """Raise `FileFormatError` unless the settings of a checkpoint are there, and of the right types."""
    like = {"chosen": chosen, "cursor": CURSOR, "units": {"now": 0, "best": 0}, **counters}
    check_kind("it", {name: value for name, value in stored.items() if name != "settings"}, like)
    for part in (stored["cursor"], stored["units"], {name: stored[name] for name in counters}):
        for name, number in part.items():
            if not 0 <= number < MOST:
                raise FileFormatError(f"{name} must be 0 or more; it is {number}.")


def check_kind(name: str, found: Any, like: Any) -> None:
    """Raise `FileFormatError` unless a value has the type of another one, and an object its keys."""
    if type(found) is not type(like) and (type(found), type(like)) != (int, float):
        raise FileFormatError(f"{name} must be {type(like).__name__}; it is {type(found).__name__}.")
    for key in {**like, **found} if isinstance(like, dict) else ():
        if key not in found or key not in like:
            raise FileFormatError(f"{name} {'lacks' if key in like else 'has'} {key!r}, which does not fit.")
        check_kind(key, found[key], like[key])


def check_layout(layout: Layout, expected: Tensors) -> None:
    """Raise `FileFormatError` unless a checkpoint has the arrays of a search, and they have its shapes and types."""
    for name in {**expected, **layout}:
        if name not in layout or name not in expected:
            raise FileFormatError(
                f"it {'lacks' if name in expected else 'has'} the array {name!r}, which does not fit."
            )
        (shape, dtype), wanted = layout[name], expected[name]
        filled = wanted.ndim == 2 and not len(wanted) and shape == wanted.shape[1:] * 2
        if dtype != wanted.dtype or not (filled or shape == wanted.shape):
            raise FileFormatError(f"{name} must be {wanted.dtype} {wanted.shape}; it is {dtype} {shape}.")


def check_arrays(arrays: Tensors, first: Tensors) -> None:
    """Raise `FileFormatError` if a search cannot have come to these numbers."""
    for name, array in arrays.items():
        if name in LOSSES:
            sound = not np.isnan(array)
        elif not name.startswith("state_"):
            sound = bool(np.isfinite(array).all() and (name not in SCALES or (array > 0).all()))
        else:
            # A byte is a weight on a lattice.
            counts = array.dtype.kind in "iu" and array.itemsize > 1 and array.size
            sound = not counts or bool(array.min() >= first[name].min() and array.max() < MOST)
        if not sound:
            raise FileFormatError(f"{name} holds numbers that no search comes to.")
