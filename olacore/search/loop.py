"""A search: blocks from the data, generations of a strategy, validation, checkpoints, and the module that comes out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.data import BUFFER_BYTES, Dataset, RawBlock
from olacore.errors import ConfigError
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.kernels.layers import read_through
from olacore.kernels.layout import CHUNK
from olacore.modules.module import Layer, Module
from olacore.quality.baselines import fit_to_data, validation_block
from olacore.quality.evaluation import evaluate, usable_items
from olacore.search.checkpoint import load_checkpoint, save_checkpoint
from olacore.search.config import STACK_GENERATIONS, TrainConfig
from olacore.search.run_folder import RunFolder
from olacore.strategies import Classic, Hidden, Pair, Problem, Report, Rows, Stack, State, Strategy
from olacore.strategies.pair import DECODER_ALONE
from olacore.strategies.stack.strategy import LINEAR, units_within
from olacore.views.scaling import Scaling
from olacore.views.view import Block, View, rows_of

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

# Weights and biases of the map that answers, and the hidden maps.
Best = tuple[np.ndarray, np.ndarray, Hidden]
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


class Search:
    """One run in progress: the state of the strategy, the place in the data, and the best candidate so far."""

    def __init__(self, config: TrainConfig, dataset: Dataset, folder: RunFolder) -> None:
        self.config, self.dataset, self.folder = config, dataset, folder
        self.view = self._make_view()
        self.view.check(dataset)
        self.items = usable_items(dataset, self.view, config.skip_nonfinite)
        self.digest = dataset.digest()
        self.strategy, self.objective = self._make_strategy(), config.objective
        self.objective.check_view(self.view)
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

    @property
    def rows_per_pass(self) -> int:
        """Training rows."""
        return len(self.items["train"]) * self.view.sites(self.dataset)

    def memory_plan(self) -> dict[str, int]:
        """Bytes that the search holds: what grows with the population, the block, the working arrays and the data."""
        rows = -(-self.rows_per_pass // self.stream.blocks_per_pass)
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
            report = self._advance(self.state, block)
            self.generation += 1
            self.samples += block.rows
            self.nonfinite += report.nonfinite
            self.cursor = self.stream.cursor
            self._grow()
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

    def _advance(self, state: State, block: Block, generation: int | None = None) -> Report:
        number = self.generation if generation is None else generation
        with ONE_AT_A_TIME:
            return self.strategy.advance(state, block, self.config.seed, number, self.objective)

    def finish(self, stopped: str) -> Result:
        """Write the module, with its figures beside the baselines unless the run was interrupted."""
        self._validate()  # after the checkpoint, so that an interruption leaves no trace in a resumed run
        module = self._module()
        figures: dict[str, dict[str, Any]] = {}
        if stopped != "interrupted":
            baselines = fit_to_data(self.dataset, self.view, self.scaling, self.items, self.config.seed)
            baselines.save(self.folder.baselines)
            if len(self.items["held-out"]):
                figures = evaluate(module, self.dataset, baselines, skip_nonfinite=self.config.skip_nonfinite)
                module = replace(module, training={**module.training, "held_out": rounded(figures)})
        module.save(self.folder.module)
        return Result(module, self.folder.path, stopped, figures)

    def _module(self) -> Module:
        weights, biases, hidden = self.best
        layers = tuple(Layer(*layer) for layer in hidden)
        space, stored = self.dataset.space, self.config.weights
        return Module(self.view, space, weights, biases, self.scaling, self._summary(), stored, layers)

    def _make_view(self) -> View:
        return view_for(self.config, self.dataset)

    def _make_strategy(self) -> Strategy:
        """The strategy that was asked for; a stack's units cut to the budget."""
        strategy, budget = self.config.make_strategy(), self.config.budget
        if budget is None or not isinstance(strategy, Stack):
            return strategy
        most = units_within(budget, self.view.inputs, self.view.outputs, self.config.weights)
        return replace(strategy, units=most if self.config.stack is None else min(most, strategy.units))

    def _schedule(self) -> int:
        """How many generations there will be, for a strategy that cools down."""
        if self.config.generations or not self.config.passes:
            return self.config.generations or STACK_GENERATIONS
        return max(1, round(self.config.passes * self.rows_per_pass / min(self.config.block, self.rows_per_pass)))

    def _grow(self) -> None:
        """Add hidden units to a stack where its time has come and growth still pays on the validation rows."""
        if not isinstance(self.strategy, Stack) or not (units := self.strategy.growth(self.state, self.generation)):
            return
        self._validate()
        if self.strategy.pays(self.state, self.best_loss):
            self.strategy.grow(self.state, units, self.config.seed)
        else:
            logger.info("more units no longer pay: the stack stays at %d", len(self.state["hidden_biases"]))

    def _start(self) -> dict[str, int] | None:
        seed = 4 * self.config.seed + SAMPLE_STREAM
        with self.view.stream(self.dataset, self.items["train"], SAMPLE_ROWS, seed) as stream:
            raw = next(stream)
        identity = Scaling.identity(self.view.inputs, self.view.outputs)
        inputs, targets = rows_of(self.view.gather(raw, identity))
        self.scaling = Scaling.fit(inputs, targets, self.view.target_bound)
        if not isinstance(self.strategy, Rows | Classic):
            self.scaling = replace(self.scaling, target_scale=self.scaling.target_scale * LINEAR)
        self._prepare_validation()
        sample, _ = rows_of(self.view.gather(raw, self.scaling))
        sizes = self.view.inputs, self.view.outputs, self.config.population
        spread = self.scaling.input_scale
        problem = Problem(*sizes, self.config.seed, sample, self._schedule(), spread)
        if isinstance(self.strategy, Stack) and (alone := self.strategy.alone(self.view.inputs)) > problem.generations:
            logger.warning("hidden units join after %d generations: this search ends before", alone)
        if self._is_small() and "shrinkage" not in self.config.options:
            self.strategy = self._choose_shrinkage(problem, raw)
        self.state: State = self.strategy.start(problem)
        self.best: Best = self._candidate()
        return None

    def _is_small(self) -> bool:
        """Whether there are so few rows that a search of its own accord would fit their noise."""
        return isinstance(self.strategy, Rows) and self.rows_per_pass < SMALL * self.view.inputs

    def _choose_shrinkage(self, problem: Problem, raw: RawBlock) -> Strategy:
        """Try several shrinkages in short searches on the sample, and keep the best on the validation rows."""
        block = self.view.gather(raw, self.scaling)
        tried: dict[float, float] = {}
        for shrinkage in SHRINKAGES:
            strategy = Rows(**{**asdict(self.strategy), "shrinkage": shrinkage})
            state = strategy.start(problem)
            turn = -(-self.view.inputs // strategy.directions)
            for generation in range(TRIAL_TURNS * turn):
                with ONE_AT_A_TIME:
                    strategy.advance(state, block, self.config.seed, generation, self.objective)
            tried[shrinkage] = self._loss_of(*strategy.candidate(state))
        logger.info("validation losses of trial searches by shrinkage: %s", tried)
        best = min(tried, key=lambda shrinkage: tried[shrinkage])
        return replace(self.strategy, **{"shrinkage": best})

    def _resume(self) -> dict[str, int]:
        arrays, stored = load_checkpoint(self.folder.checkpoint)
        asked, given = self._settings(), stored["settings"]
        for name in {**given, **asked}:
            if asked.get(name) != given.get(name):
                raise ConfigError(
                    f"the run in {self.folder.path} was started with {name} {given.get(name)!r}, "
                    f"and --resume asks for {asked.get(name)!r}."
                )
        self.state = {name.removeprefix("state_"): array for name, array in arrays.items() if name.startswith("state_")}
        layer = [arrays[name] for name in ("best_hidden_weights", "best_hidden_biases") if name in arrays]
        self.best = arrays["best_weights"], arrays["best_biases"], ((layer[0], layer[1]),) if layer else ()
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
        for layer in self.best[2]:
            arrays |= {"best_hidden_weights": layer[0], "best_hidden_biases": layer[1]}
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
        # What cools down does so over generations that cannot become more or fewer on the way.
        cools = {} if isinstance(self.strategy, Rows | Classic) else {"generations": self._schedule()}
        return {**self.config.search_settings(), "data": self.digest, **cools}

    def _limit(self) -> str:
        """Name the limit that has been reached, if any."""
        config = self.config
        if config.generations and self.generation >= config.generations:
            return "generations"
        if config.passes and self.samples >= config.passes * self.rows_per_pass:
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
        weights, biases, hidden = self._candidate()
        self.validation_loss = self._loss_of(weights, biases, hidden)
        self.stale = 0 if self.validation_loss < self.best_loss * (1 - BETTER) else self.stale + 1
        if self.validation_loss < self.best_loss:
            kept = tuple((layer[0].copy(), layer[1].copy()) for layer in hidden)
            self.best_loss, self.best = self.validation_loss, (weights.copy(), biases.copy(), kept)

    def _candidate(self) -> Best:
        return *self.strategy.candidate(self.state), self.strategy.hidden(self.state)

    def _loss_of(self, weights: np.ndarray, biases: np.ndarray, hidden: Hidden = ()) -> float:
        targets = self.validation.targets
        with ONE_AT_A_TIME:
            packed = read_through(hidden, self.validation.inputs, targets.shape[1])
            return self.objective.loss_of(weights, biases, packed, targets)

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
        self._advance(copy, block)
        if isinstance(self.strategy, Stack):
            if not len(copy["hidden_biases"]):
                self.strategy.grow(copy, 1, self.config.seed)
            self._advance(copy, block)
        if isinstance(self.strategy, Pair):
            self._advance(copy, block, max(self.generation, DECODER_ALONE))
        self._loss_of(*self.strategy.candidate(copy), self.strategy.hidden(copy))

    def _summary(self) -> dict[str, Any]:
        licences = sorted({source.licence for source in self.dataset.sources if source.licence})
        return {
            "data": self.digest,
            "rows": self.rows_per_pass,
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
