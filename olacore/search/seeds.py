"""One configuration with several seeds: what of its figures is the method, and what is luck."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from olacore.errors import ConfigError, OlacoreError
from olacore.search.backends.base import make_backend
from olacore.search.checkpoint import open_checkpoint
from olacore.search.config import TrainConfig
from olacore.search.finish import INTERRUPTED
from olacore.search.repeatable import prepared
from olacore.search.run_folder import next_free
from olacore.search.train import train_on

__all__ = ["SeedRun", "Study", "train_seeds"]

FAILED = "failed"
# Of a run, beside its held-out figures.
FIGURES = ("validation_loss", "validation_r2", "seconds")


@dataclass(frozen=True)
class SeedRun:
    """What the run of one seed gave.

    Parameters
    ----------
    seed : of all its random numbers
    folder : of the run
    stopped : why it ended, as in `Result`, or "failed"
    validation_loss, validation_r2 : of the best module; its loss is in the units of the targets
    seconds : of search
    held_out : figures of the module by name, by the part of the data, "held-out" where it has no name
    notes : as in `Result`
    error : why it failed
    """

    seed: int
    folder: Path
    stopped: str
    validation_loss: float | None = None
    validation_r2: float | None = None
    seconds: float | None = None
    held_out: dict[str, dict[str, float]] | None = None
    notes: tuple[str, ...] = ()
    error: str = ""

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        return self.stopped not in (FAILED, INTERRUPTED)

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON types."""
        told = {"seed": self.seed, "folder": str(self.folder), "stopped": self.stopped}
        if self.error:
            return {**told, "error": self.error}
        figures = {name: getattr(self, name) for name in FIGURES}
        return {**told, **figures, "held_out": self.held_out or {}, "notes": [*self.notes]}


@dataclass(frozen=True)
class Study:
    """What a configuration gave with several seeds.

    Parameters
    ----------
    folder : that the run folders are in
    runs : one for each seed that was run, in the order that was asked for
    """

    folder: Path
    runs: tuple[SeedRun, ...]

    @property
    def done(self) -> list[SeedRun]:
        """Those that came to their ends."""
        return [run for run in self.runs if run.done]

    @property
    def best(self) -> SeedRun | None:
        """The run of the lowest validation loss, of equal ones the first; None where none has one."""
        measured = [run for run in self.done if run.validation_loss is not None]
        return min(measured, key=lambda run: run.validation_loss or 0.0, default=None)

    @property
    def medians(self) -> dict[str, Any]:
        """Medians over the runs that came to their ends, as a run has its figures."""
        runs = self.done
        parts = dict.fromkeys(part for run in runs for part in run.held_out or {})
        held_out = {part: _medians([(run.held_out or {}).get(part, {}) for run in runs]) for part in parts}
        return {**_medians([{name: getattr(run, name) for name in FIGURES} for run in runs]), "held_out": held_out}

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON types."""
        best = None if self.best is None else self.best.seed
        runs = [run.to_dict() for run in self.runs]
        return {"folder": str(self.folder), "best_seed": best, "medians": self.medians, "seeds": runs}


def train_seeds(
    config: TrainConfig,
    seeds: Sequence[int],
    backend: str = "local",
    told: Callable[[SeedRun], None] = lambda run: None,
    should_stop: Callable[[], bool] = lambda: False,
    **options: Any,
) -> Study:
    """Train with each of several seeds, in OUT/seed-0 and so on, wherever a backend runs them.

    A seed that fails is told of in its `SeedRun`, and the others go on. With `resume` in the configuration the whole
    goes on: what is over is measured once more, and what is not is gone on with.

    Parameters
    ----------
    config : its own seed does not count
    seeds : different ones
    backend : name of one of `BACKENDS`
    told : called with each run that is over, in the order of their ends
    should_stop : asked now and then; true ends the study, ready to be resumed
    options : of the backend, such as `workers`

    Raises
    ------
    ConfigError  if there are no seeds, or one is there twice, or there is no such backend
    OutputExistsError  if a folder holds a run that is neither to be resumed nor replaced
    """
    if not seeds or len({*seeds}) < len(seeds):
        raise ConfigError(f"seeds must be different ones, at least one; got {', '.join(map(str, seeds)) or 'none'}.")
    pool = make_backend(backend, options)
    out = config.out or next_free(f"{config.module or 'plain'}-seeds")
    configs = [replace(config, seed=seed, out=out / f"seed-{seed}") for seed in seeds]
    runs: dict[int, SeedRun] = {}
    for number, found in pool.outcomes(run_seed, prepared(configs), should_stop):
        if isinstance(found, OlacoreError):
            found = SeedRun(seeds[number], out / f"seed-{seeds[number]}", FAILED, error=str(found))
        runs[number] = found
        told(found)
    return Study(out, tuple(runs[number] for number in sorted(runs)))


def run_seed(config: TrainConfig, should_stop: Callable[[], bool] = lambda: False) -> SeedRun:
    """Run one seed of a study, or go on with it.

    Raises
    ------
    OlacoreError  as `train`
    """
    result = train_on(config, should_stop)
    told = result.module.training
    held_out = {part: _numbers(figures["module"]) for part, figures in result.parts.items()}
    return SeedRun(
        config.seed,
        result.folder,
        result.stopped,
        _finite(told["validation_loss"]),
        _finite(told["validation_r2"]),
        seconds_in(result.folder),
        held_out,
        result.notes,
    )


def seconds_in(folder: Path) -> float:
    """Seconds of all searches in a run folder."""
    spent = 0.0
    for path in folder.rglob("checkpoint.safetensors"):
        with open_checkpoint(path) as (_, settings):
            spent += settings["seconds"]
    return round(spent, 3)


def _numbers(figures: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if isinstance(value, float)}


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _medians(rows: Iterable[dict[str, Any]]) -> dict[str, float]:
    rows = [*rows]
    found = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        values = [row[name] for row in rows if row.get(name) is not None and isfinite(row[name])]
        if values:
            found[name] = median(values)
    return found
