"""Training: blocks from the data, generations of a strategy, validation, checkpoints, and the module that comes out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.baselines import fit_to_data, validation_block
from olacore.checkpoint import load_checkpoint, save_checkpoint
from olacore.config import TrainConfig
from olacore.data import BUFFER_BYTES, Dataset, RawBlock, open_dataset
from olacore.errors import ConfigError
from olacore.evaluation import evaluate, usable_items
from olacore.kernels.layout import CHUNK
from olacore.module import Module
from olacore.runs import RunFolder, next_free
from olacore.scaling import Scaling
from olacore.strategies import Problem, Report, Rows, State, Strategy
from olacore.views import View, rows_of

SAMPLE_ROWS = 16_384
# With fewer training rows than this many times the inputs, shrinkage is chosen on the validation rows.
SMALL = 16
SHRINKAGES = (0.0, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0, 3.0)
TRIAL_TURNS = 4
CHECKPOINT_SECONDS = 10.0
# A validation loss has to fall by this share to count as better, or noise would keep a search from freezing.
BETTER = 1e-4
SEARCH_STREAM, SAMPLE_STREAM = 0, 1

logger = logging.getLogger(__name__)

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Result:
    """What a training run gave.

    Parameters
    ----------
    module : the best module found, by its validation loss
    folder : the run folder
    stopped : why it ended: "generations", "passes", "time", "loss", "frozen" or "interrupted"
    figures : held-out figures of module, least squares and mean; empty where there are no held-out rows or the run
    was interrupted
    """

    module: Module
    folder: Path
    stopped: str
    figures: dict[str, dict[str, Any]]


def train(
    config: TrainConfig,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Result:
    """Evolve a module from a data set.

    Parameters
    ----------
    progress : called with each line of the log
    should_stop : asked after every generation; true ends the run as an interruption, saved and ready to resume

    Raises
    ------
    OlacoreError  one of its kinds, for any known fault of settings, data or output
    """
    folder = RunFolder(config.out or next_free(config.module), config.resume, config.force)
    with folder.removed_if_empty(), open_dataset(config.h5) as dataset:
        search = Search(config, dataset, folder)
        try:
            stopped = search.run(progress or (lambda line: None), should_stop)
            return search.finish(stopped)
        finally:
            search.stream.close()


class Search:
    """One run in progress: the state of the strategy, the place in the data, and the best candidate so far."""

    def __init__(self, config: TrainConfig, dataset: Dataset, folder: RunFolder) -> None:
        self.config, self.dataset, self.folder = config, dataset, folder
        self.view = view_for(config, dataset)
        self.view.check(dataset)
        self.items = usable_items(dataset, self.view, config.skip_nonfinite)
        self.digest = dataset.digest()
        self.strategy, self.objective = config.make_strategy(), config.objective
        self.objective.check_outputs(self.view.outputs)
        self.generation = self.samples = self.nonfinite = self.stale = 0
        self.seconds = 0.0
        self.best_loss = np.inf
        if config.resume and not folder.checkpoint.exists():
            logger.warning("there is no checkpoint in %s yet: the search starts anew", folder.path)
        cursor = self._resume() if config.resume and folder.checkpoint.exists() else self._start()
        seed = 4 * config.seed + SEARCH_STREAM
        self.stream = self.view.stream(dataset, self.items["train"], config.block, seed, cursor)
        self.cursor = self.stream.cursor
        if config.force:
            folder.clear()  # only now that data and settings have turned out to be sound
        if config.resume:
            folder.sweep()
            folder.cut_log(self.generation)
        folder.write_config(self._settings())
        plan = self.memory_plan()
        parts = ", ".join(f"{name} {size / 2**20:.1f}" for name, size in plan.items())
        logger.info("memory plan: %.1f MiB (%s)", sum(plan.values()) / 2**20, parts)

    def memory_plan(self) -> dict[str, int]:
        """Bytes that the search holds: what grows with the population, the block, the working arrays and the data."""
        rows = -(-self.stream.rows_per_pass // self.stream.blocks_per_pass)
        inputs, outputs = self.view.inputs, self.view.outputs
        fields = (self.view.input_field, self.view.target_field)
        item_bytes = self.dataset.row_bytes(fields)
        whole = len(self.items["train"]) * item_bytes
        return {
            "population": sum(array.nbytes for array in self.state.values()),
            "block": 4 * -(-rows // CHUNK) * CHUNK * inputs + 4 * outputs * rows,
            "working arrays": self.strategy.working_bytes(inputs, outputs, rows),
            "validation rows": self.validation.inputs.nbytes + self.validation.targets.nbytes,
            # The group in use and the one that is read meanwhile; a split that fits one group is held once.
            "data": whole if whole <= BUFFER_BYTES else 2 * BUFFER_BYTES,
        }

    def run(self, progress: Progress, should_stop: Callable[[], bool]) -> str:
        """Go through generations until one of the limits is reached, and say which."""
        raw = next(self.stream)
        self._warm_up(raw)
        began = checkpointed = time.perf_counter()
        spent, block = self.seconds, None
        while not (stopped := self._limit()):
            block = self.view.gather(raw, self.scaling, block)
            report = self.strategy.advance(self.state, block, self.config.seed, self.generation, self.objective)
            self.generation += 1
            self.samples += block.rows
            self.nonfinite += report.nonfinite
            self.cursor = self.stream.cursor
            self.seconds = spent + time.perf_counter() - began
            if self._reports():
                self._validate()
                line = self._line(report)
                self.folder.log(line)
                progress(line)
            if should_stop():
                stopped = "interrupted"
                break
            if time.perf_counter() - checkpointed > CHECKPOINT_SECONDS:
                self._checkpoint()
                checkpointed = time.perf_counter()
            raw = next(self.stream)
        self._checkpoint()
        return stopped

    def finish(self, stopped: str) -> Result:
        """Write the module, with its figures beside the baselines unless the run was interrupted."""
        self._validate()  # after the checkpoint, so that an interruption leaves no trace in a resumed run
        stored = self.config.weights
        module = Module(self.view, self.dataset.space, *self.best, self.scaling, self._summary(), stored)
        figures: dict[str, dict[str, Any]] = {}
        if stopped != "interrupted":
            baselines = fit_to_data(self.dataset, self.view, self.scaling, self.items, self.config.seed)
            baselines.save(self.folder.baselines)
            if len(self.items["held-out"]):
                figures = evaluate(module, self.dataset, baselines, skip_nonfinite=self.config.skip_nonfinite)
                module = replace(module, training={**module.training, "held_out": rounded(figures)})
        module.save(self.folder.module)
        return Result(module, self.folder.path, stopped, figures)

    def _start(self) -> dict[str, int] | None:
        seed = 4 * self.config.seed + SAMPLE_STREAM
        with self.view.stream(self.dataset, self.items["train"], SAMPLE_ROWS, seed) as stream:
            raw = next(stream)
        identity = Scaling.identity(self.view.inputs, self.view.outputs)
        inputs, targets = rows_of(self.view.gather(raw, identity))
        self.scaling = Scaling.fit(inputs, targets, self.view.target_bound)
        self._prepare_validation()
        sample, _ = rows_of(self.view.gather(raw, self.scaling))
        problem = Problem(self.view.inputs, self.view.outputs, self.config.population, self.config.seed, sample)
        if self._is_small() and "shrinkage" not in self.config.options:
            self.strategy = self._choose_shrinkage(problem, raw)
        self.state: State = self.strategy.start(problem)
        self.best = self.strategy.candidate(self.state)
        return None

    def _is_small(self) -> bool:
        """Whether there are so few rows that a search of its own accord would fit their noise."""
        rows = len(self.items["train"]) * self.view.sites(self.dataset)
        return isinstance(self.strategy, Rows) and rows < SMALL * self.view.inputs

    def _choose_shrinkage(self, problem: Problem, raw: RawBlock) -> Strategy:
        """Try several shrinkages in short searches on the sample, and keep the best on the validation rows."""
        block = self.view.gather(raw, self.scaling)
        tried: dict[float, float] = {}
        for shrinkage in SHRINKAGES:
            strategy = Rows(**{**asdict(self.strategy), "shrinkage": shrinkage})
            state = strategy.start(problem)
            turn = -(-self.view.inputs // strategy.directions)
            for generation in range(TRIAL_TURNS * turn):
                strategy.advance(state, block, self.config.seed, generation, self.objective)
            tried[shrinkage] = self._loss_of(*strategy.candidate(state))
        logger.info("validation losses of trial searches by shrinkage: %s", tried)
        best = min(tried, key=lambda shrinkage: tried[shrinkage])
        return replace(self.strategy, **{"shrinkage": best})

    def _resume(self) -> dict[str, int]:
        arrays, stored = load_checkpoint(self.folder.checkpoint)
        asked = self._settings()
        for name, value in stored["settings"].items():
            if asked.get(name) != value:
                raise ConfigError(
                    f"the run in {self.folder.path} was started with {name} {value!r}, "
                    f"and --resume asks for {asked.get(name)!r}."
                )
        self.state = {name.removeprefix("state_"): array for name, array in arrays.items() if name.startswith("state_")}
        self.best = arrays["best_weights"], arrays["best_biases"]
        self.scaling = Scaling(*(arrays[name] for name in ("input_mean", "input_scale", "target_mean", "target_scale")))
        self._prepare_validation()
        self.strategy = replace(self.strategy, **stored["chosen"])
        self.generation, self.samples = stored["generation"], stored["samples"]
        self.nonfinite, self.stale, self.seconds = stored["nonfinite"], stored["stale"], stored["seconds"]
        self.best_loss = float(arrays["best_loss"])
        return stored["cursor"]

    def _checkpoint(self) -> None:
        arrays = {f"state_{name}": array for name, array in self.state.items()}
        arrays |= {"best_weights": self.best[0], "best_biases": self.best[1], **vars(self.scaling)}
        arrays["best_loss"] = np.array(self.best_loss)
        save_checkpoint(
            self.folder.checkpoint,
            arrays,
            {
                "settings": self._settings(),
                "chosen": self._chosen(),
                "generation": self.generation,
                "samples": self.samples,
                "nonfinite": self.nonfinite,
                "stale": self.stale,
                "seconds": self.seconds,
                "cursor": self.cursor,
            },
        )

    def _prepare_validation(self) -> None:
        items, seed = self.items["validation"], self.config.seed
        self.validation = validation_block(self.dataset, self.view, self.scaling, items, seed)

    def _chosen(self) -> dict[str, Any]:
        """Options that were not asked for but chosen by the data."""
        return {"shrinkage": self.strategy.shrinkage} if isinstance(self.strategy, Rows) else {}

    def _settings(self) -> dict[str, Any]:
        return {**self.config.search_settings(), "data": self.digest}

    def _limit(self) -> str:
        """Name the limit that has been reached, if any."""
        config = self.config
        if config.generations and self.generation >= config.generations:
            return "generations"
        if config.passes and self.samples >= config.passes * self.stream.rows_per_pass:
            return "passes"
        if config.time_limit and self.seconds >= config.time_limit:
            return "time"
        if config.until_loss and self.best_loss <= config.until_loss:
            return "loss"
        if config.freezes and self.stale >= config.patience:
            return "frozen"
        return ""

    def _validate(self) -> None:
        """Score the candidate on the validation rows and keep it if it is the best so far."""
        weights, biases = self.strategy.candidate(self.state)
        self.validation_loss = self._loss_of(weights, biases)
        self.stale = 0 if self.validation_loss < self.best_loss * (1 - BETTER) else self.stale + 1
        if self.validation_loss < self.best_loss:
            self.best_loss, self.best = self.validation_loss, (weights.copy(), biases.copy())

    def _loss_of(self, weights: np.ndarray, biases: np.ndarray) -> float:
        return self.objective.loss_of(weights, biases, self.validation.inputs, self.validation.targets)

    def _reports(self) -> bool:
        """Whether this generation is reported: every so many, and at the start, where much happens, 1, 2, 4, 8 too."""
        every = self.config.report_every
        early = self.generation < every and self.generation & (self.generation - 1) == 0
        return early or self.generation % every == 0

    def _line(self, report: Report) -> dict[str, Any]:
        low, middle, high = (float(q) for q in np.quantile(self.state["trust"], (0, 0.5, 1)))
        return {
            "generation": self.generation,
            "seconds": round(self.seconds, 3),
            "samples": self.samples,
            "loss": finite_or_none(report.loss),
            "validation_loss": finite_or_none(self.validation_loss),
            "best_validation_loss": finite_or_none(self.best_loss),
            "accepted": report.accepted,
            "trust": [low, middle, high],
            "nonfinite": self.nonfinite,
            "waited": round(self.stream.wait_seconds, 3),
        }

    def _warm_up(self, raw: RawBlock) -> None:
        """Compile every kernel of a generation on a copy of the state, so that seconds count the search alone."""
        few = replace(raw, item=raw.item[:64], site=raw.site[:64])
        copy = {name: array.copy() for name, array in self.state.items()}
        block = self.view.gather(few, self.scaling)
        self.strategy.advance(copy, block, self.config.seed, self.generation, self.objective)
        self._loss_of(*self.strategy.candidate(copy))

    def _summary(self) -> dict[str, Any]:
        licences = sorted({source.licence for source in self.dataset.sources if source.licence})
        return {
            "data": self.digest,
            "rows": self.stream.rows_per_pass,
            "licences": licences,
            "strategy": self.config.strategy,
            "options": {**self.config.options, **self._chosen()},
            "loss": self.objective.name,
            "output_weights": list(self.config.output_weights),
            "population": self.config.population,
            "seed": self.config.seed,
            "block": self.config.block,
            "generations": self.generation,
            "validation_loss": float(f"{self.best_loss:.6g}"),
        }


def view_for(config: TrainConfig, dataset: Dataset) -> View:
    """Return the view that the configuration asks of the data; plain pairs have only their own."""
    if dataset.kind == "pairs":
        assert dataset.inputs is not None
        assert dataset.outputs is not None
        return View(config.module, "pairs", plain=(dataset.inputs, dataset.outputs))
    assert dataset.latent_shape is not None
    return View(config.module, config.view, dataset.latent_shape[0], config.border, config.window, config.seed)


def finite_or_none(value: float) -> float | None:
    """Return what JSON can hold."""
    return value if np.isfinite(value) else None


def rounded(figures: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the figures with six significant digits, single numbers only."""
    return {
        row: {name: float(f"{value:.6g}") for name, value in values.items() if isinstance(value, float)}
        for row, values in figures.items()
    }
