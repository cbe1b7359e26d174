"""The rule as first conceived: trust follows a genome's own previous loss, and the untrusted mutate.

Kept for comparison. Two losses of one genome on two blocks differ mostly by the blocks, so this trust measures the
data as much as the genome.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from olacore.blocks import Block
from olacore.kernels.mutate import mutate_population
from olacore.kernels.random import fill_normal
from olacore.kernels.trust import update_trust
from olacore.losses.objective import MSE, Objective
from olacore.strategies.base import STRATEGIES, Problem, Report, State, Strategy, check_losses


@STRATEGIES.add
@dataclass(frozen=True)
class Classic(Strategy):
    """Trust up by `up` when the loss fell by more than `epsilon` since the last block, down by `down` when it rose;
    genomes under `threshold` mutate by `sigma`.

    Parameters
    ----------
    up, down : what trust, 0 to 1, gains and loses
    epsilon : change of the loss that counts as one
    threshold : trust under which a genome mutates
    sigma : standard deviation of a mutation
    """

    name: ClassVar[str] = "classic"
    ranges: ClassVar[dict[str, tuple[float, float]]] = dict.fromkeys(
        ("up", "down", "epsilon", "threshold", "sigma"), (0, inf)
    )

    up: float = 0.01
    down: float = 0.005
    epsilon: float = 1e-5
    threshold: float = 0.5
    sigma: float = 0.01

    def start(self, problem: Problem) -> State:
        """Random small genomes, trust just under the threshold, so that all of them mutate at first."""
        shape = (problem.population, problem.outputs, problem.inputs)
        weights = np.empty(shape, np.float32)
        fill_normal(problem.seed, 0, weights.reshape(problem.population * problem.outputs, problem.inputs))
        weights *= np.float32(self.sigma)
        return {
            "weights": weights,
            "biases": np.zeros(shape[:2], np.float32),
            "trust": np.full(problem.population, self.threshold - self.down, np.float32),
            "loss": np.full(problem.population, np.nan, np.float32),  # nothing to compare with yet
            "candidate_weights": weights[0].copy(),
            "candidate_biases": np.zeros(problem.outputs, np.float32),
        }

    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Score everyone, update trust against each one's previous loss, mutate the untrusted."""
        weights, biases = state["weights"], state["biases"]
        losses = objective.total(objective.score(weights, biases, block.inputs, block.targets)).astype(np.float32)
        nonfinite = check_losses(losses, generation)
        trust = np.empty_like(state["trust"])
        update_trust(state["trust"], losses, state["loss"], self.up, self.down, self.epsilon, trust)
        restless = trust < self.threshold
        sigma = np.where(restless, self.sigma, 0).astype(np.float32)
        state["candidate_weights"] = weights[np.argmin(losses)].copy()
        state["candidate_biases"] = biases[np.argmin(losses)].copy()
        next_weights, next_biases = np.empty_like(weights), np.empty_like(biases)
        parents = np.arange(len(weights))
        mutate_population(weights, biases, parents, sigma, seed, generation, next_weights, next_biases)
        state.update(weights=next_weights, biases=next_biases, trust=trust, loss=losses)
        return Report(float(losses.min()), float(restless.mean()), nonfinite)

    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return the genome that was best on the last block."""
        return state["candidate_weights"], state["candidate_biases"]
