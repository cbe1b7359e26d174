"""A whole search for a fitness function: generations, limits, a record, a run folder."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ConfigError
from olacore.files import is_there, replace_file
from olacore.fitness.evolution import Evolution
from olacore.fitness.population import Population
from olacore.fitness.scoring import Score, scoring
from olacore.foreign.schema import number, record, require, whole
from olacore.modules.module import Module
from olacore.search.checkpoint import load_checkpoint
from olacore.search.observers import Callback, Finished, LogWriter, Reported, Saved, notify
from olacore.search.run_folder import RunFolder
from olacore.search.validation import finite_or_none

CHECKPOINT_SECONDS = 10.0
INTERRUPTED = "interrupted"
# The best genome of a run that evolves plain vectors.
GENOME = "genome.npy"
# What a checkpoint of a run holds beside the search.
BESIDE = record({"rescore": whole(), "report_every": whole(1), "seconds": number(0)})


@dataclass(frozen=True)
class Evolved:
    """What a search for a fitness function gave.

    Parameters
    ----------
    genome : (size,) float32, the best by its record
    fitness : of that genome; where it was scored again, the mean of the last time
    generations, evaluations : how many there were
    seconds : of the search, over all resumes
    stopped : why it ended: "target", "generations", "evaluations", "seconds" or "interrupted"
    search : what to go on with
    folder : of the run; None without one
    """

    genome: np.ndarray
    fitness: float
    generations: int
    evaluations: int
    seconds: float
    stopped: str
    search: Evolution
    folder: Path | None

    @property
    def module(self) -> Module:
        """The module of the genome.

        Raises
        ------
        ConfigError  if it is a plain vector
        """
        told = {"fitness": self.fitness, "generations": self.generations, "evaluations": self.evaluations}
        return self.search.layout.module(self.genome, {**self.search.settings, **told})


@dataclass
class Record:
    """The best genome so far, and what it is worth.

    Parameters
    ----------
    genome : (size,)
    fitness : -inf before there is one
    """

    genome: np.ndarray
    fitness: float = -inf


@dataclass(frozen=True)
class Limits:
    """When a search ends; None for never.

    Raises
    ------
    ConfigError  if there is none at all, or one is not above 0
    """

    generations: int | None
    evaluations: int | None
    seconds: float | None
    target: float | None

    def __post_init__(self) -> None:
        counted = {name: getattr(self, name) for name in ("generations", "evaluations", "seconds")}
        for name, limit in counted.items():
            if limit is not None and not limit > 0:
                raise ConfigError(f"{name} must be above 0; got {limit!r}.")
        if all(limit is None for limit in (*counted.values(), self.target)):
            raise ConfigError("say when to end: after generations, evaluations or seconds, or at a target.")

    def reached(self, search: Evolution, record: Record, seconds: float) -> str:
        """Return the name of the limit that is reached, or nothing."""
        if self.target is not None and record.fitness >= self.target:
            return "target"
        spent = {"generations": search.generation, "evaluations": search.evaluations, "seconds": seconds}
        for name, used in spent.items():
            limit = getattr(self, name)
            if limit is not None and used >= limit:
                return name
        return ""


def evolve(
    fitness: Callable[..., Any],
    layers: Sequence[int] | None = None,
    *,
    size: int | None = None,
    generations: int | None = None,
    evaluations: int | None = None,
    seconds: float | None = None,
    target: float | None = None,
    per: str = "population",
    workers: int = 0,
    rescore: int = 0,
    report_every: int = 10,
    out: str | Path | None = None,
    resume: bool = False,
    force: bool = False,
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
    **settings: Any,
) -> Evolved:
    """Evolve a genome for a fitness function, of which more is better; what is not finite loses.

    Parameters
    ----------
    fitness, per, workers : see `olacore.fitness.scoring.scoring`
    layers, size, settings : see `Evolution`; a fitness that has an attribute `discrete` says by it what that setting
        is where nobody does, as those of `olacore.play` do
    generations, evaluations, seconds : when to end
    target : the search ends when the record reaches it
    rescore : for a fitness with noise: how many seeds the search's own genome and the record are scored on, both on
        the same new ones, in each report; 0 takes a fitness at its word
    report_every : generations between reports
    out : folder for config, log, checkpoint and module; None keeps everything in memory
    resume, force : go on with, or replace, a run that is there
    callbacks : each is called with every event, see `olacore.search.observers`
    should_stop : asked after every generation; true ends the search as an interruption, ready to resume

    Raises
    ------
    ConfigError  if a setting is unknown or out of range, there is no limit, or `resume` or `force` comes without `out`
        or with the other
    OlacoreError  another of its kinds, for any known fault of fitness or output
    """
    limits = Limits(generations, evaluations, seconds, target)
    for name, value, least in (("rescore", rescore, 0), ("report_every", report_every, 1)):
        if not isinstance(value, int) or value < least:
            raise ConfigError(f"{name} must be a whole number of {least} or more; got {value!r}.")
    if resume and force:
        raise ConfigError("resume and force exclude each other: go on with the run, or replace it.")
    settings.setdefault("discrete", layers is not None and getattr(fitness, "discrete", False))
    search = Evolution(layers, size=size, **settings)
    with scoring(fitness, per, workers) as score:
        if out is None:
            if resume or force:
                raise ConfigError("resume and force need a run folder; give `out`.")
            return Run(search, score, limits, rescore, report_every, None, callbacks).go(should_stop)
        folder = RunFolder(Path(out), resume, force)
        with folder.held():
            run = Run(search, score, limits, rescore, report_every, folder, callbacks, resume)
            return run.go(should_stop)


class Run:
    """One search under way.

    Parameters
    ----------
    search, score, limits, rescore, report_every : what is searched, and until when
    folder : where it is kept; None for nowhere
    callbacks : of events
    resume : whether to go on with what the folder holds
    """

    def __init__(
        self,
        search: Evolution,
        score: Score,
        limits: Limits,
        rescore: int,
        report_every: int,
        folder: RunFolder | None,
        callbacks: Sequence[Callback],
        resume: bool = False,
    ) -> None:
        self.search, self.score, self.limits, self.folder = search, score, limits, folder
        self.rescore, self.report_every = rescore, report_every
        self.callbacks: list[Callback] = [*([] if folder is None else [LogWriter(folder)]), *callbacks]
        self.record, self.seconds, self.told = Record(search.centre), 0.0, np.empty(0)
        if folder is not None:
            self._begin(folder, resume)

    def go(self, should_stop: Callable[[], bool]) -> Evolved:
        """Go through generations until a limit is reached."""
        self.search.ask()  # compiles what samples, before seconds count
        began = saved = time.perf_counter()
        spent = self.seconds
        while not (stopped := self.limits.reached(self.search, self.record, self.seconds)):
            self._advance()
            self.seconds = spent + time.perf_counter() - began
            if self.search.generation % self.report_every == 0:
                self._report()
            if should_stop():
                stopped = INTERRUPTED
                break
            if time.perf_counter() - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.perf_counter()
        self._save()
        if stopped != INTERRUPTED and self.search.generation % self.report_every:
            self._judge()  # after the checkpoint, so that an earlier end leaves no trace in a run that goes on
        search, record, path = self.search, self.record, None if self.folder is None else self.folder.path
        found = Evolved(
            record.genome, record.fitness, search.generation, search.evaluations, self.seconds, stopped, search, path
        )
        if self.folder is not None:
            if search.layout.layers:
                found.module.save(self.folder.module)
                notify(self.callbacks, Finished(stopped, found.module, self.folder.path))
            else:
                content = io.BytesIO()
                np.save(content, record.genome)
                replace_file(self.folder.path / GENOME, content.getvalue())
        return found

    def _advance(self) -> None:
        population = self.search.ask()
        self.told = self.score(population, seed_of(self.search.settings["seed"], self.search.generation))
        self.search.tell(self.told)
        if not self.rescore:
            self.record = Record(*self.search.best)

    def _report(self) -> None:
        self._judge()
        finite = self.told[np.isfinite(self.told)]
        line = {
            "generation": self.search.generation,
            "seconds": round(self.seconds, 3),
            "samples": self.search.evaluations,
            "loss": -self.record.fitness if np.isfinite(self.record.fitness) else None,
            "fitness": finite_or_none(self.record.fitness),
            "generation_best": float(finite.max()),
            "generation_median": float(np.median(finite)),
            "nonfinite": len(self.told) - len(finite),
            "spread": self.search.spread,
        }
        notify(self.callbacks, Reported(line, self.search.module))

    def _judge(self) -> None:
        """Score the record and the search's own genome again, on the same new seeds, and keep the better one."""
        if not self.rescore:
            return
        rivals = np.stack([self.record.genome, self.search.centre])
        population = Population(self.search.layout, rivals, self.search.generation)
        seed, generation = self.search.settings["seed"], self.search.generation
        scores = [self.score(population, seed_of(seed, generation, turn + 1)) for turn in range(self.rescore)]
        means = np.mean(scores, 0)
        means[~np.isfinite(means)] = -inf
        better = int(means[1] > means[0])
        self.record = Record(rivals[better].copy(), float(means[better]))

    # ------------------------------------------------------------ the run folder

    def _begin(self, folder: RunFolder, resume: bool) -> None:
        asked = {**self.search.settings, "rescore": self.rescore, "report_every": self.report_every}
        if resume and is_there(folder.checkpoint):
            arrays, settings = load_checkpoint(folder.checkpoint)
            self.search = Evolution.from_saved(arrays, settings, folder.checkpoint)
            require(BESIDE, settings, f"the settings of {folder.checkpoint}")
            found = {name: settings[name] for name in asked}
            differ = [name for name in asked if asked[name] != found[name]]
            if differ:
                raise ConfigError(
                    f"the run in {folder.path} has other settings: "
                    + ", ".join(f"{name} {found[name]}, now {asked[name]}" for name in differ)
                    + "; give those, or another folder."
                )
            self.record = Record(arrays["record"], float(arrays["record_fitness"]))
            self.seconds = settings["seconds"]
            folder.cut_log(self.search.generation)
        else:
            folder.clear()
            (folder.path / GENOME).unlink(missing_ok=True)
        folder.write_config({"module": "fitness", **asked})

    def _save(self) -> None:
        if self.folder is None:
            return
        judged = {"record": self.record.genome, "record_fitness": np.array(self.record.fitness)}
        limits = {"rescore": self.rescore, "report_every": self.report_every, "seconds": self.seconds}
        self.search.save(self.folder.checkpoint, {**judged, **limits})
        notify(self.callbacks, Saved(self.folder.checkpoint, self.search.generation))


def seed_of(seed: int, generation: int, turn: int = 0) -> int:
    """The seed that a fitness is given: 0 to 2^31 - 1; turns are those of scoring again, each apart from all others."""
    return int(np.random.SeedSequence((seed, generation, turn)).generate_state(1)[0] >> 1)
