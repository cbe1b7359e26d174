"""Stacks: a layer of hidden tanh units beside an affine map, evolved unit by unit from exact loss differences.

The answer is W x + V t + b with t = tanh(U x + c). First the affine map evolves alone, as a population of `Rows`. Then
units join and are the population, every unit a genome of its own, (units, 1, in): half of them, later all, if that
pays on the validation samples; the later ones are mutated copies. Three times in a search the least useful units make
room for mutated copies of the most useful (`selection`). How units move, and the read-out with them, stands in `step`.

The answer's own tanh works in its linear part (`LINEAR`), so that the loss is a parabola along every direction of the
read-out; values beyond the data's range are clipped where the range is known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar

import numpy as np

from olacore.blocks import Block
from olacore.jit.threads import one_blas_thread
from olacore.kernels.layout import CHUNK
from olacore.losses.objective import MSE, Objective
from olacore.strategies.base import STRATEGIES, Candidate, Hidden, Problem, Report, Sizes, State, Strategy, check_losses
from olacore.strategies.common.axes import random_numbers, response_axes
from olacore.strategies.common.noise import MOST_NOISE, noisy
from olacore.strategies.common.readout import LINEAR, change_of
from olacore.strategies.rows import Rows
from olacore.strategies.stack.far import BORN, birthplaces, units_at
from olacore.strategies.stack.migration import SENT, join, most_useful
from olacore.strategies.stack.selection import ROWS, is_due, select, split
from olacore.strategies.stack.size import MOST_UNITS, units_within
from olacore.strategies.stack.step import TOGETHER, Step

# Turns through all axes of the inputs in which the affine map evolves alone.
TURNS = 7
# What part of the units there is from which part of the generations on.
GROWTH = ((0.0, 0.5), (0.1, 1.0))
# Spread of the units' biases at the start.
BIAS_SPREAD = 0.3
# What is left of the damping at the end.
COLDEST = 0.05
# Generations where none were asked for: the search has to know its length, since it cools down.
GENERATIONS = 400


# What only the search for the affine map keeps.
AFFINE = ("evidence", "born", "reach", "axes")

logger = logging.getLogger(__name__)


@STRATEGIES.add
@dataclass(frozen=True)
class Stack(Strategy):
    """Hidden units that share their steps by overlap, and a read-out.

    Parameters
    ----------
    units : hidden units at most
    directions : tried in a step
    readouts : axes along which the read-out moves in a step
    samples : of the block, in a step
    damp : share of its step that a unit takes at the start, times 10 / sqrt(inputs)
    readout_damp : share of its step that the read-out takes at the start
    carry : share of the layer's last change that is repeated
    ridge : share of the mean bend of a step's trials that is added to each before units take the lowest point of their
        parabola; 1 where most of the targets cannot be told, such as clean latents from noisy ones
    noise : spread of normal noise that is added to standardised inputs, other noise in each generation
    pays : the rest of the units join only if the first of them lowered the validation loss by this share; -1 for
        always, where little of the targets can be told and the hot start hides what units are worth
    """

    name: ClassVar[str] = "stack"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "units": (1, MOST_UNITS),
        "directions": (1, inf),
        "readouts": (2, inf),
        "samples": (CHUNK, inf),
        "damp": (1e-6, 1),
        "readout_damp": (1e-6, 1),
        "carry": (0, 0.99),
        "ridge": (0, 1000),
        "noise": (0, MOST_NOISE),
        "pays": (-1, 1),
    }

    headroom: ClassVar[float] = LINEAR
    schedule: ClassVar[int | None] = GENERATIONS
    populated: ClassVar[bool] = False
    grows: ClassVar[bool] = True
    losses: ClassVar[tuple[str, ...] | None] = ("mse", "contrast")
    weighs_outputs: ClassVar[bool] = False
    joins: ClassVar[tuple[str, ...]] = ("pair",)
    exchanges: ClassVar[int | None] = 20
    stores: ClassVar[tuple[str, ...]] = ("float16", "float32", "int8")

    units: int = 256
    directions: int = 128
    readouts: int = 128
    samples: int = 2048
    damp: float = 0.05
    readout_damp: float = 0.15
    carry: float = 0.8
    ridge: float = 0.0
    noise: float = 0.0
    pays: float = 0.005

    def fitted(self, sizes: Sizes, form: str, budget: int | None) -> Stack:
        """As many units as the budget has room for, at most those that were asked for."""
        if budget is None:
            return self
        return replace(self, units=min(units_within(budget, sizes.inputs, sizes.outputs, form), self.units))

    def start(self, problem: Problem) -> State:
        """A population of affine maps, with the axes that units will search along."""
        if (alone := self.alone(problem.inputs)) > problem.generations:
            logger.warning("hidden units join after %d generations: this search ends before", alone)
        return {
            **Rows().start(problem),
            "response_axes": response_axes(problem.sample),
            "far": birthplaces(problem.sample, int(BORN * GROWTH[0][1] * self.units)),
            "steps": np.zeros(1, np.int64),
            "schedule": np.array([problem.generations]),
            "stage_loss": np.full(1, np.inf),
        }

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Take one step on each part of the block; at first, one generation of the affine map."""
        block = noisy(block, self.noise, seed, generation)
        if not units_in(state):
            return Rows().advance(state, block, seed, generation)
        replaced = 0
        if is_due(generation, int(state["schedule"][0])):
            replaced = self._select(state, block, seed, generation, objective)
        losses, kept, parts = [], [], list(block.parts(self.samples))
        for number, part in enumerate(parts):
            progress = min((generation + number / len(parts)) / float(state["schedule"][0]), 1.0)
            cool = 1 - (1 - COLDEST) * progress
            step = Step(self, state, part, seed, objective)
            check_losses(np.array([step.loss]), generation)  # there is one stack, and it would be lost
            losses.append(step.loss)
            kept.append(step.move_units(cool))
            step.move_readout(cool)
            state["steps"] += 1
            state["age"] += 1
        return Report(float(np.mean(losses)), float(np.mean(kept)), 0, replaced)

    def alone(self, inputs: int) -> int:
        """Return in how many generations the affine map evolves alone."""
        return TURNS * -(-inputs // Rows.directions)

    def growth(self, state: State, generation: int) -> int:
        """Return how many units there are to be after so many generations, if more than now; else 0."""
        alone, now = self.alone(len(state["response_axes"])), units_in(state)
        for stage, (share, part) in enumerate(GROWTH, 1):
            units = max(1, round(part * self.units))
            if units > now and generation == max(stage * alone, int(share * state["schedule"][0])):
                return units
        return 0

    def between(
        self,
        state: State,
        generation: int,
        seed: int,
        validate: Callable[[], float],
        loss_of: Callable[[Candidate], float],
    ) -> None:
        """Add hidden units where their time has come and growth still pays on the validation samples."""
        if not (units := self.growth(state, generation)):
            return
        if self.has_paid(state, validate()):
            self.grow(state, units, seed)
        else:
            logger.info("more units no longer pay: the stack stays at %d", units_in(state))

    def warm_up(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> None:
        """Run the affine map and a unit."""
        self.advance(state, block, seed, generation, objective)
        if not units_in(state):
            self.grow(state, 1, seed)
        self.advance(state, block, seed, generation, objective)

    def has_paid(self, state: State, loss: float) -> bool:
        """Say whether the stage that ends lowered the validation loss enough, and remember the loss."""
        before, state["stage_loss"] = float(state["stage_loss"][0]), np.full(1, loss)
        return not loss > before * (1 - self.pays)

    def grow(self, state: State, units: int, seed: int) -> None:
        """Add units: the first along random mixtures of the inputs' axes, later ones as mutated copies."""
        draw, inputs = random_numbers(seed, units, 2), len(state["response_axes"])
        features = units + (inputs + 1 if inputs <= TOGETHER else 0)
        old = units_in(state)
        if not old:
            self._leave_affine(state)
        new = units - old
        state |= {
            "weights": np.pad(state["weights"], ((0, new), (0, 0), (0, 0))),
            "biases": np.pad(state["biases"], ((0, new), (0, 0))),
            "trust": np.append(state["trust"], np.ones(new, np.float32)),
            "readout_weights": np.pad(state["readout_weights"], ((0, 0), (0, new))),
            "age": np.pad(state["age"], (0, new)),
            "last": np.pad(state["last"], ((0, new), (0, 0))),
            "overlap": np.pad(state["overlap"], (0, new)),
            "moments": np.zeros((features, features)),
            "features": np.zeros((0, features), np.float32),
        }
        if not old:
            self._seed_units(state, draw)
        while 0 < old < units:
            count = min(old, units - old)
            split(state, np.arange(count), np.arange(old, old + count), draw)
            old += count

    def emigrants(self, state: State) -> State:
        """The most useful units; before there are any, the rows of the affine map."""
        if units_in(state):
            chosen = most_useful(state, SENT)
            units, rows = state["weights"][chosen, 0], np.empty((0, state["weights"].shape[2]), np.float32)
            unit_biases, row_biases = state["biases"][chosen, 0], np.empty(0, np.float32)
        else:
            rows, row_biases = Rows().emigrants(state).values()
            units, unit_biases = rows[:0], row_biases[:0]
        return {"row_weights": rows, "row_biases": row_biases, "unit_weights": units, "unit_biases": unit_biases}

    def immigrate(
        self,
        state: State,
        migrants: Sequence[State],
        block: Block,
        seed: int,
        generation: int,
        objective: Objective = MSE,
    ) -> int:
        """Replace the least useful units by those that came, where the loss on the block is lower then.

        What comes from an island in another stage, rows where there are units or units where there are rows, is left.
        """
        name = "unit" if units_in(state) else "row"
        migrants = [sent for sent in migrants if len(sent[f"{name}_biases"])]
        if not migrants:
            return 0
        if name == "row":
            return Rows().immigrate(state, migrants, block, seed, generation)
        weights, biases = (
            np.concatenate([sent[f"unit_{part}"] for sent in migrants]) for part in ("weights", "biases")
        )
        return join(state, weights, biases, lambda: Step(self, state, block, seed, objective))

    def grown(self, state: State, units: int) -> State:
        """Give it the units."""
        if 0 < units <= self.units:
            self.grow(state, units, 0)
        return state

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """The read-out of inputs and units."""
        if not units_in(state):
            return Rows().candidate(state)
        return state["readout_weights"], state["readout_biases"]

    def hidden(self, state: State) -> Hidden:
        """The layer of units, if there are any yet."""
        return ((state["weights"][:, 0], state["biases"][:, 0]),) if units_in(state) else ()

    def gauges(self, state: State) -> dict[str, float]:
        """The units, and how far the layer moved; before there are any, the usual step of a row."""
        if not (units := units_in(state)):
            return {"units": 0, **Rows().gauges(state)}
        return {"units": units, "moved": change_of(state["last"], state["weights"], state["biases"])}

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Features, residual and answers, six arrays of the units' size, and the trials; the axes' eigenvectors."""
        per_sample = inputs + 4 * outputs + 7 * self.units + self.directions + 2 * self.readouts
        return 4 * min(rows, 2 * self.samples) * per_sample + 16 * (inputs + self.units) ** 2

    def _leave_affine(self, state: State) -> None:
        """Turn the candidate of the affine maps into a read-out, and make place for a population of units."""
        readout, biases = Rows().candidate(state)
        inputs = readout.shape[1]
        for name in AFFINE:
            del state[name]
        state |= {
            "weights": np.zeros((0, 1, inputs), np.float32),
            "biases": np.zeros((0, 1), np.float32),
            "trust": np.ones(0, np.float32),
            "readout_weights": readout,
            "readout_biases": biases,
            "age": np.zeros(0, np.int64),
            "last": np.zeros((0, inputs + 1), np.float32),
            "overlap": np.zeros((0, 0)),
        }

    def _seed_units(self, state: State, draw: np.random.Generator) -> None:
        """Give all units their first weights; nothing reads them yet."""
        units, _, inputs = state["weights"].shape
        mixtures = draw.standard_normal((units, inputs)).astype(np.float32)
        # Pre-activations have a spread of 1 on average.
        mixtures /= np.float32(np.sqrt(inputs))
        with one_blas_thread():
            state["weights"][:, 0] = mixtures @ state["response_axes"]
        state["biases"][:, 0] = BIAS_SPREAD * draw.standard_normal(units)
        weights, biases = units_at(state.pop("far")[:units])
        state["weights"][: len(biases), 0], state["biases"][: len(biases), 0] = weights, biases

    def _select(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> int:
        """Replace units, unless new ones still settle, and return how many."""
        step = Step(self, state, next(block.parts(ROWS)), seed, objective)
        if step.settling.any():
            return 0
        return select(state, step.features(), random_numbers(seed, generation, 4))


def units_in(state: State) -> int:
    """Return how many hidden units there are."""
    return len(state["weights"]) if "readout_weights" in state else 0
