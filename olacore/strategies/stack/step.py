"""One step of a stack on one part of a block: the hidden units move, then the read-out.

1. Every unit makes mirrored trials along shared directions, and along its bias; the exact losses of the trials
   (`score_units`) fix a parabola, whose lowest point is the step that the unit would take if it moved alone.
2. Units move together. The loss of two units' joint trial differs from the sum of theirs by
   2 (v_g . v_h) sum(d_g d_h), measured on one of the trials and remembered as their overlap B. Steps are divided among
   units that overlap: (B + diag B)^-1 diag(B) steps.
3. A damped part of the step is taken, less as the search cools and as far as the unit is trusted, and most of the
   layer's last change is repeated. A unit whose change alone raises the loss stands still, and loses trust; the layer
   as a whole goes at most half the way to the lowest point of its parabola.
4. The read-out takes damped steps along principal axes of what it reads; along each its loss is exactly a parabola.

Directions come from random numbers and from statistics of inputs and units, scores are losses on the block, steps come
from the scores of mirrored trials.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from olacore.blocks import Block
from olacore.jit.threads import one_blas_thread
from olacore.kernels.layout import empty_packed
from olacore.kernels.tanh import apply_tanh
from olacore.kernels.unit_trials import change_units, score_units
from olacore.losses.objective import Objective
from olacore.strategies.base import State
from olacore.strategies.common.axes import random_numbers, take_axes
from olacore.strategies.common.readout import LOOKS, TINY, look, multiply, pack, pack_into, share_of_change, step_along
from olacore.strategies.stack.far import roots_of_far

# Length of a trial in standard deviations of the response; a step goes at most so many times as far.
REACH, FURTHEST = 0.15, 3.0
# Steps in which only the read-out of a new unit moves: before anything reads it, its trials change nothing.
SETTLING, SETTLING_DAMP = 10, 0.3
# Share of what was known of overlap and of trust that is kept in a step.
OVERLAP_MEMORY, TRUST_MEMORY = 0.8, 0.95
# Samples that the overlap is measured on.
OVERLAP_SAMPLES = 1024
# With more inputs than this, the read-out's axes of inputs and of units are taken apart.
TOGETHER = 512


class StepOptions(Protocol):
    """Options of a stack that decide about a step; see `Stack`."""

    @property
    def directions(self) -> int:
        """Tried in a step."""

    @property
    def readouts(self) -> int:
        """Axes along which the read-out moves."""

    @property
    def damp(self) -> float:
        """Share of its step that a unit takes."""

    @property
    def readout_damp(self) -> float:
        """Share of its step that the read-out takes."""

    @property
    def carry(self) -> float:
        """Share of the last change that is repeated."""

    @property
    def ridge(self) -> float:
        """Share of the mean bend that is added to each."""


class Step:
    """What a stack answers on some rows, and how it moves.

    Parameters
    ----------
    options : of the strategy
    state : changed by the moves

    Attributes
    ----------
    loss : mean squared error before the moves, samples weighted
    """

    def __init__(self, options: StepOptions, state: State, block: Block, seed: int, objective: Objective) -> None:
        self.options, self.state, self.block, self.seed = options, state, block, seed
        self.number = int(state["steps"][0])
        self.settling = state["age"] < SETTLING
        units, _, self.inputs = state["weights"].shape
        self.roots = objective.roots(block.targets) * roots_of_far(block)
        self.pre = multiply(state["weights"][:, 0], state["biases"][:, 0], block.inputs, block.rows)
        self.active = np.empty_like(self.pre)
        apply_tanh(self.pre.reshape(-1), self.active.reshape(-1))
        self.read = empty_packed(block.rows, self.inputs + units)
        self.read[:, : self.inputs] = block.inputs
        pack_into(self.active, self.read[:, self.inputs :])
        answer = multiply(state["readout_weights"], state["readout_biases"], self.read, block.rows)
        self.residual = (block.targets - answer) * self.roots
        self.loss = float((self.residual.astype(np.float64) ** 2).mean())

    def move_units(self, cool: float) -> float:
        """Change the hidden layer, and return the share of the units that moved."""
        state, block, inputs = self.state, self.block, self.inputs
        directions = self._directions()
        readout = np.ascontiguousarray(state["readout_weights"][:, inputs:])
        sizes = (readout.astype(np.float64) ** 2).sum(0).astype(np.float32)
        pull = self._multiply(readout.T, self.residual) * self.roots
        turns = multiply(directions[:, :-1], directions[:, -1], block.inputs, block.rows)
        turns *= np.float32(REACH)
        apply_tanh(turns.reshape(-1), turns.reshape(-1))
        steps = self._shared(self._alone(pull, sizes, turns), readout, turns)
        damp = min(self.options.damp * 10 / np.sqrt(inputs), 1.0) * cool
        steps *= (damp * state["trust"] * ~self.settling).astype(np.float32)[:, None]
        with one_blas_thread():
            change = steps @ directions + np.float32(self.options.carry) * state["last"]
        moved = multiply(change[:, :-1], change[:, -1], block.inputs, block.rows)
        rise, losses = np.empty_like(moved), np.empty(len(sizes), np.float32)
        change_units(self.pre, self.active, pull, sizes, self.roots, moved, rise, losses)
        stays = ~(losses < 0)
        for part in (change, moved, rise):
            part[stays] = 0
        answers = self._multiply(readout, rise)
        share = share_of_change(self.residual, answers)
        if share < 1:
            change *= share
            change_units(self.pre, self.active, pull, sizes, self.roots, share * moved, rise, losses)
            answers = self._multiply(readout, rise)
        state["weights"][:, 0] += change[:, :-1]
        state["biases"][:, 0] += change[:, -1]
        state["last"] = change
        tried = ~self.settling
        trust = TRUST_MEMORY * state["trust"] + (1 - TRUST_MEMORY) * ~stays
        state["trust"][tried] = trust[tried]
        self.residual -= answers
        self.active += rise / self.roots
        pack_into(self.active, self.read[:, inputs:])
        return float(1 - stays.mean())

    def move_readout(self, cool: float) -> None:
        """Change what the answer reads from inputs and units."""
        state, inputs, width = self.state, self.inputs, self.read.shape[1]
        if self.number % LOOKS == 0 or not len(state["features"]):
            self._look()
        settling = bool(self.settling.any())
        damp = SETTLING_DAMP if settling else self.options.readout_damp * cool
        axes = state["features"]
        count = len(axes) if settling else min(self.options.readouts, len(axes))
        axes = axes[random_numbers(self.seed, self.number, 3).permutation(len(axes))[:count]]
        if inputs <= TOGETHER:
            self._step_readout(axes, damp)
            return
        self._step_readout(np.pad(axes, ((0, 0), (inputs, 1))), damp)
        if self.number % 2 == 0:
            chosen = take_axes(state["response_axes"], self.options.readouts // 2, self.seed, self.number // 2)
            axes = np.zeros((len(chosen) + 1, width + 1), np.float32)
            axes[:-1, :inputs], axes[-1, -1] = chosen, 1
            self._step_readout(axes, damp)

    def _directions(self) -> np.ndarray:
        """Directions (k, in + 1) of this step; the last one is the bias."""
        axes = take_axes(self.state["response_axes"], self.options.directions, self.seed, self.number)
        directions = np.zeros((len(axes) + 1, self.inputs + 1), np.float32)
        directions[:-1, :-1], directions[-1, -1] = axes, 1
        return directions

    def _alone(self, pull: np.ndarray, sizes: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Steps (units, k) that each unit would take along each direction if nothing else moved."""
        fall, bend = np.empty((2, len(sizes), len(turns)), np.float32)
        score_units(self.active, pull, sizes, turns, self.roots, fall, bend)
        # Few samples do not tell steps that hardly bend the loss (Levenberg 1944, Marquardt 1963).
        bend += np.float32(self.options.ridge * bend.clip(0).mean(dtype=np.float64))
        curved = bend > 0
        steps = np.where(curved, REACH / 2 * fall / np.where(curved, bend, 1), REACH * np.sign(fall))
        return np.clip(steps, -FURTHEST * REACH, FURTHEST * REACH)

    def _shared(self, steps: np.ndarray, readout: np.ndarray, turns: np.ndarray) -> np.ndarray:
        """Divide the steps among units that overlap."""
        few = slice(0, OVERLAP_SAMPLES)
        t, turn, roots = self.active[:, few], turns[self.number % len(turns), few], self.roots[few]
        product = t * turn
        trial = (turn - t * product) * roots / np.maximum(1 - product * product, np.float32(TINY))
        with one_blas_thread():
            overlap = OVERLAP_MEMORY * self.state["overlap"]
            overlap += (1 - OVERLAP_MEMORY) / len(roots) * ((trial @ trial.T) * (readout.T @ readout))
            self.state["overlap"] = overlap
            alone = np.diag(overlap) + TINY
            return np.linalg.solve(overlap + np.diag(alone), alone[:, None] * steps).astype(np.float32)

    def features(self, first: int = 0) -> np.ndarray:
        """Return what the read-out reads from its `first` input on, and its bias, by samples' roots: (k + 1, n)."""
        rows = self.read[:, first:].swapaxes(0, 1).reshape(self.read.shape[1] - first, -1)[:, : self.block.rows]
        return np.vstack([rows, np.ones((1, self.block.rows), np.float32)]) * self.roots

    def answers_of(self, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
        """Return what other units (m, in), (m,) answer, by samples' roots: (m, n)."""
        answers = multiply(weights, biases, self.block.inputs, self.block.rows)
        apply_tanh(answers.reshape(-1), answers.reshape(-1))
        return answers * self.roots

    def _look(self) -> None:
        """Find the principal axes of what the read-out reads, where inputs are few; else of the units."""
        look(self.state, self.features() if self.inputs <= TOGETHER else self.features(self.inputs)[:-1])

    def _step_readout(self, axes: np.ndarray, damp: float) -> None:
        """Move along axes (k, in + units + 1) whose last column is the bias."""
        response = multiply(axes[:, :-1], axes[:, -1], self.read, self.block.rows) * self.roots
        steps = step_along(self.residual, response, damp)
        with one_blas_thread():
            change = steps @ axes
        self.residual -= self._multiply(steps, response)
        self.state["readout_weights"] += change[:, :-1]
        self.state["readout_biases"] += change[:, -1]

    def _multiply(self, weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The product of weights (m, k) and rows (k, n)."""
        return multiply(weights, None, pack(rows), rows.shape[1])
