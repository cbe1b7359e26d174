"""The default: a population whose mean breeds one child a generation, improved row by row on the block in hand.

Every generation re-scores all genomes on a part of the block. How much worse than the best each row of a genome is,
remembered over blocks, is its evidence; trust is what the evidence leaves of a genome, exp(-evidence / temperature)
averaged over its rows. The parent is the mean of the population, row by row, in those proportions: while the search
moves fast only the newest genomes count, and when all that is left is the noise between blocks all of them do, which
averages it away. The child takes a step in every row wherever the block's loss falls (`step_rows`), along directions
that are random rotations of the inputs' principal axes, scaled so that all responses are equally large; it replaces
the genome that is trusted least.

Recombination by weighted mean is that of evolution strategies (Beyer and Schwefel 2002, doi:10.1023/A:1015059928466);
mirrored trials follow Brockhoff et al. 2010, doi:10.1007/978-3-642-15844-5_2.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.kernels.blend import blend_rows
from olacore.kernels.forward import multiply_packed
from olacore.kernels.layout import CHUNK
from olacore.kernels.loss import score_population
from olacore.kernels.steps import step_rows
from olacore.strategies.base import Problem, Report, State, Strategy, check_losses
from olacore.views import Block

FIRST_REACH = np.float32(0.1)
# Axes along which the inputs hardly vary are not scaled up further than this share of the largest variance.
FLOOR = 1e-6
TINY = 1e-30
# Evidence against a row whose loss is not finite.
LARGEST = 1e30


@dataclass(frozen=True)
class Rows(Strategy):
    """Trust-weighted mean, mirrored steps for each row.

    Parameters
    ----------
    directions : tried in a generation
    temperature : relative excess loss at which a row's share falls to 1/e
    memory : share of the old evidence that is kept when a block is scored
    audit : samples of the block that the whole population is scored on
    shrinkage : what a squared weight costs, in units of the mean squared error; against overfitting of few rows
    """

    name: ClassVar[str] = "rows"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "directions": (1, inf),
        "temperature": (1e-9, inf),
        "memory": (0, 0.99),
        "audit": (1, inf),
        "shrinkage": (0, inf),
    }

    directions: int = 64
    temperature: float = 0.005
    memory: float = 0.5
    audit: int = 2048
    shrinkage: float = 0.0

    def start(self, problem: Problem) -> State:
        """All genomes at zero, with the inputs' principal axes as the first directions."""
        shape = (problem.population, problem.outputs, problem.inputs)
        return {
            "weights": np.zeros(shape, np.float32),
            "biases": np.zeros(shape[:2], np.float32),
            "trust": np.ones(problem.population, np.float32),
            "evidence": np.zeros(shape[:2]),
            "born": np.arange(problem.population) - problem.population,
            "reach": np.full(problem.outputs, FIRST_REACH),
            "axes": scaled_axes(problem.sample, self.shrinkage),
            "directions": np.zeros((problem.inputs, problem.inputs), np.float32),
        }

    def advance(self, state: State, block: Block, seed: int, generation: int) -> Report:
        """Score all, breed the mean's child on this block, let it replace the least trusted."""
        nonfinite = self._audit(state, block, generation)
        weights, biases = self.candidate(state)
        directions = self._directions(state, seed, generation)
        pre = np.empty((len(biases), block.rows), np.float32)
        multiply_packed(weights, biases, block.inputs, pre)
        responses = np.ones((len(directions) + 1, block.rows), np.float32)  # the last one is the bias
        multiply_packed(directions, np.zeros(len(directions), np.float32), block.inputs, responses[:-1])
        pull, gram = self._shrinkage_terms(weights, directions, block.rows)
        before, steps = np.empty(len(biases), np.float32), np.empty((len(biases), len(responses)), np.float32)
        step_rows(pre, block.targets, responses, state["reach"], pull, gram, before, steps)
        nonfinite += check_losses(before, generation)
        with threadpool_limits(1, user_api="blas"):
            weights += steps[:, :-1] @ directions
        biases += steps[:, -1]
        place = np.lexsort((state["born"], state["trust"]))[0]
        state["weights"][place], state["biases"][place] = weights, biases
        state["born"][place] = generation
        state["evidence"][place] = 0
        return Report(float(before.mean()), float((steps != 0).mean()), nonfinite)

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Pre-activations and responses on the block, and the targets of the audited samples."""
        directions = min(self.directions, inputs) + 1
        return 4 * (rows * (outputs + directions) + outputs * min(self.audit, rows))

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the population in proportion to what the evidence leaves of each row."""
        shares = self._shares(state)
        shares /= shares.sum(0)
        weights = np.empty(state["weights"].shape[1:], np.float32)
        biases = np.empty(state["biases"].shape[1:], np.float32)
        blend_rows(state["weights"], state["biases"], shares.astype(np.float32), weights, biases)
        return weights, biases

    def _shares(self, state: State) -> np.ndarray:
        return np.exp(-state["evidence"] / self.temperature)

    def _shrinkage_terms(self, weights: np.ndarray, directions: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """What a step costs in squared weights, in the form that `step_rows` takes; the bias costs nothing."""
        pull = np.zeros((len(weights), len(directions) + 1), np.float32)
        gram = np.zeros((len(directions) + 1, len(directions) + 1), np.float32)
        if self.shrinkage:
            with threadpool_limits(1, user_api="blas"):
                pull[:, :-1] = self.shrinkage * rows * (weights @ directions.T)
                gram[:-1, :-1] = self.shrinkage * rows * (directions @ directions.T)
        return pull, gram

    def _audit(self, state: State, block: Block, generation: int) -> int:
        """Score every row of every genome on the first samples of the block and add to its evidence."""
        samples = min(self.audit, block.rows)
        chunks = -(-samples // CHUNK)
        losses = np.empty(state["biases"].shape, np.float32)
        targets = np.ascontiguousarray(block.targets[:, :samples])
        score_population(state["weights"], state["biases"], block.inputs[:chunks], targets, losses)
        nonfinite = check_losses(losses, generation)
        best = losses.min(0).astype(np.float64)
        known = np.isfinite(best) & (best > 0)
        excess = np.where(known, np.minimum(losses / np.where(known, best, 1) - 1, LARGEST), 0)
        evidence = self.memory * state["evidence"] + (1 - self.memory) * excess
        state["evidence"] = evidence - evidence.min(0)
        state["trust"] = self._shares(state).mean(1).astype(np.float32)
        return nonfinite

    def _directions(self, state: State, seed: int, generation: int) -> np.ndarray:
        """Give this generation's part of a random rotation of the axes; a new rotation begins when all were used."""
        inputs = len(state["axes"])
        count = min(self.directions, inputs)
        parts = -(-inputs // count)
        turn, part = divmod(generation, parts)
        if part == 0:
            draw = np.random.Generator(np.random.Philox(key=[seed, turn]))
            with threadpool_limits(1, user_api="blas"):
                rotation = np.linalg.qr(draw.standard_normal((inputs, inputs), np.float32))[0]
                state["directions"] = rotation @ state["axes"]
        return state["directions"][part * count : (part + 1) * count]


def scaled_axes(sample: np.ndarray, shrinkage: float) -> np.ndarray:
    """Return the principal axes of `sample` (n, in) as rows, each divided by the spread of the inputs along it.

    Shrinkage adds to the variance along every axis what it adds to the curvature of the loss.
    """
    with threadpool_limits(1, user_api="blas"):
        covariance = np.cov(sample.T, bias=True, dtype=np.float64).reshape(sample.shape[1], -1)
        variance, axes = np.linalg.eigh(covariance)
    variance = np.maximum(variance, FLOOR * max(float(variance[-1]), TINY)) + shrinkage
    return np.ascontiguousarray((axes / np.sqrt(variance)).T, dtype=np.float32)
