"""Stacks: a layer of hidden tanh units beside an affine map, evolved unit by unit from exact loss differences.

The answer is W x + V t + b with t = tanh(U x + c); every unit is a genome of its own. First the affine map evolves
alone, as by `Rows`. Then units join: half of them, later all, if that pays on the validation rows; the later ones are
mutated copies. Three times in a search the least useful units make room for mutated copies of the most useful
(`selection`). How units move, and the read-out with them, stands in `step`.

The answer's own tanh works in its linear part (`LINEAR`), so that the loss is a parabola along every direction of the
read-out; values beyond the data's range are clipped where the range is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.errors import ConfigError
from olacore.kernels.layout import CHUNK
from olacore.losses.objective import MSE, Objective
from olacore.strategies.base import Hidden, Problem, Report, State, Strategy, check_losses
from olacore.strategies.common.axes import random_numbers, response_axes
from olacore.strategies.rows import Rows
from olacore.strategies.stack.selection import ROWS, is_due, select, split
from olacore.strategies.stack.step import TOGETHER, Step
from olacore.views.view import Block

# Targets are scaled down so far that tanh bends them by less than 0.6 %.
LINEAR = np.float32(8)
# Turns through all axes of the inputs in which the affine map evolves alone.
TURNS = 7
# What part of the units there is from which part of the generations on.
GROWTH = ((0.0, 0.5), (0.1, 1.0))
# Growth stops where the last stage did not lower the validation loss by this share.
PAYS = 0.005
# Spread of the units' biases at the start.
BIAS_SPREAD = 0.3
# Bytes of a module's file that tell what it is and how it was found.
ABOUT = 4096
# Bytes of a weight.
SIZES = {"float32": 4, "float16": 2, "int8": 1}
# What is left of the damping at the end.
COLDEST = 0.05
# The overlap of so many takes 2 GiB.
MOST_UNITS = 1 << 14


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
    }

    units: int = 256
    directions: int = 128
    readouts: int = 128
    samples: int = 2048
    damp: float = 0.05
    readout_damp: float = 0.15
    carry: float = 0.8

    def start(self, problem: Problem) -> State:
        """An affine map of zeros, with the inputs' principal axes, and no units yet."""
        inputs, outputs = problem.inputs, problem.outputs
        return {
            "hidden_weights": np.zeros((0, inputs), np.float32),
            "hidden_biases": np.zeros(0, np.float32),
            "weights": np.zeros((outputs, inputs), np.float32),
            "biases": np.zeros(outputs, np.float32),
            "trust": np.ones(1, np.float32),
            "age": np.zeros(0, np.int64),
            "last": np.zeros((0, inputs + 1), np.float32),
            "overlap": np.zeros((0, 0)),
            "axes": response_axes(problem.sample),
            "steps": np.zeros(1, np.int64),
            "schedule": np.array([problem.generations]),
            "stage_loss": np.full(1, np.inf),
            **{f"affine_{name}": array for name, array in Rows().start(problem).items()},
        }

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Take one step on each part of the block; at first, one generation of the affine map."""
        if not len(state["hidden_biases"]):
            return self._advance_affine(state, block, seed, generation)
        if is_due(generation, int(state["schedule"][0])):
            self._select(state, block, seed, generation, objective)
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
        return Report(float(np.mean(losses)), float(np.mean(kept)), 0)

    def alone(self, inputs: int) -> int:
        """Return in how many generations the affine map evolves alone."""
        return TURNS * -(-inputs // Rows.directions)

    def growth(self, state: State, generation: int) -> int:
        """Return how many units there are to be after so many generations, if more than now; else 0."""
        alone, now = self.alone(len(state["axes"])), len(state["hidden_biases"])
        for stage, (share, part) in enumerate(GROWTH, 1):
            units = max(1, round(part * self.units))
            if units > now and generation == max(stage * alone, int(share * state["schedule"][0])):
                return units
        return 0

    def pays(self, state: State, loss: float) -> bool:
        """Say whether the stage that ends lowered the validation loss enough, and remember the loss."""
        before, state["stage_loss"] = float(state["stage_loss"][0]), np.full(1, loss)
        return not loss > before * (1 - PAYS)

    def grow(self, state: State, units: int, seed: int) -> None:
        """Add units: the first along random mixtures of the inputs' axes, later ones as mutated copies."""
        old, inputs = state["hidden_weights"].shape
        new, draw = units - old, random_numbers(seed, units, 2)
        features = units + (inputs + 1 if inputs <= TOGETHER else 0)
        state |= {
            "hidden_weights": np.pad(state["hidden_weights"], ((0, new), (0, 0))),
            "hidden_biases": np.pad(state["hidden_biases"], (0, new)),
            "weights": np.pad(state["weights"], ((0, 0), (0, new))),
            "trust": np.append(state["trust"][:old], np.ones(new, np.float32)),
            "age": np.pad(state["age"], (0, new)),
            "last": np.pad(state["last"], ((0, new), (0, 0))),
            "overlap": np.pad(state["overlap"], (0, new)),
            "moments": np.zeros((features, features)),
            "features": np.zeros((0, features), np.float32),
        }
        if not old:
            self._seed_units(state, draw)
            for name in [name for name in state if name.startswith("affine_")]:
                del state[name]
        while 0 < old < units:
            count = min(old, units - old)
            split(state, np.arange(count), np.arange(old, old + count), draw)
            old += count

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """The read-out of inputs and units."""
        return state["weights"], state["biases"]

    def hidden(self, state: State) -> Hidden:
        """The layer of units, if there are any yet."""
        weights, biases = state["hidden_weights"], state["hidden_biases"]
        return ((weights, biases),) if len(biases) else ()

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Features, residual and answers, six arrays of the units' size, and the trials; the axes' eigenvectors."""
        per_sample = inputs + 4 * outputs + 7 * self.units + self.directions + 2 * self.readouts
        return 4 * min(rows, 2 * self.samples) * per_sample + 16 * (inputs + self.units) ** 2

    def _seed_units(self, state: State, draw: np.random.Generator) -> None:
        """Give all units their first weights; nothing reads them yet."""
        units, inputs = state["hidden_weights"].shape
        mixtures = draw.standard_normal((units, inputs)).astype(np.float32)
        # Pre-activations have a spread of 1 on average.
        mixtures /= np.float32(np.sqrt(inputs))
        with threadpool_limits(1, user_api="blas"):
            state["hidden_weights"][:] = mixtures @ state["axes"]
        state["hidden_biases"][:] = BIAS_SPREAD * draw.standard_normal(units)

    def _select(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> None:
        step = Step(self, state, next(block.parts(ROWS)), seed, objective)
        if not step.settling.any():
            select(state, step.features(), random_numbers(seed, generation, 4))

    def _advance_affine(self, state: State, block: Block, seed: int, generation: int) -> Report:
        part = {name.removeprefix("affine_"): array for name, array in state.items() if name.startswith("affine_")}
        report = Rows().advance(part, block, seed, generation)
        state |= {f"affine_{name}": array for name, array in part.items()}
        state["weights"], state["biases"] = Rows().candidate(part)
        state["trust"] = part["trust"]
        return report


def units_within(budget: int, inputs: int, outputs: int, stored: str) -> int:
    """Return how many hidden units a module's file of `budget` bytes has room for, at most `MOST_UNITS`.

    Raises
    ------
    ConfigError  if not even one
    """
    size, fixed = SIZES[stored], affine_bytes(inputs, outputs, stored)
    scales = 2 if stored == "int8" else 0
    units = (budget - fixed) // (size * (inputs + outputs) + 8 + scales)
    if units < 1:
        raise ConfigError(
            f"a file of {budget} bytes has no room for a stack of {inputs} inputs and {outputs} outputs; "
            f"the affine map alone takes about {fixed}."
        )
    return min(int(units), MOST_UNITS)


def affine_bytes(inputs: int, outputs: int, stored: str) -> int:
    """Return what the file of a module without hidden units takes at most."""
    return ABOUT + SIZES[stored] * outputs * inputs + 8 * (inputs + outputs) + 4 * outputs
