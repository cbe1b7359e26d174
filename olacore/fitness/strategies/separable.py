"""Separable CMA-ES, the reference: a covariance matrix that is diagonal.

Source: Ros and Hansen, "A simple modification in CMA-ES achieving linear time and space complexity", PPSN 2008,
doi:10.1007/978-3-540-87700-4_30, with the constants of Hansen's tutorial, arXiv:1604.00772.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from olacore.fitness.layout import Layout
from olacore.fitness.strategies.base import (
    GENOME_STRATEGIES,
    GenomeStrategy,
    State,
    logarithmic,
    normal,
    shared_by_ties,
)


@GENOME_STRATEGIES.add
@dataclass(frozen=True)
class Separable(GenomeStrategy):
    """CMA-ES with a diagonal covariance matrix and cumulative step-size adaptation; it has no options."""

    name: ClassVar[str] = "separable"
    by_axis: ClassVar[bool] = True

    def population(self, size: int) -> int:
        """4 + 3 log(size), as its authors advise."""
        return 4 + int(3 * np.log(size))

    def start(self, layout: Layout, population: int, mean: np.ndarray, sigma: float, seed: int) -> State:
        """A distribution around the mean, narrower where many numbers are summed."""
        size = layout.size
        return {
            "mean": mean.astype(np.float64),
            "variances": layout.scales**2,
            "sigma": np.array(sigma, np.float64),
            "sigma_path": np.zeros(size),
            "path": np.zeros(size),
            "population": np.array(population),
        }

    def ask(self, state: State, seed: int, generation: int) -> np.ndarray:
        """Sample the distribution."""
        mean, population = state["mean"], int(state["population"])
        shaped = normal(seed, generation, population, len(mean)) * np.sqrt(state["variances"])
        return (mean + state["sigma"] * shaped).astype(np.float32)

    def tell(self, state: State, genomes: np.ndarray, fitness: np.ndarray, seed: int, generation: int) -> None:
        """Move the distribution to the better half of the genomes, and shape it by the steps that led there."""
        size, population = len(state["mean"]), len(genomes)
        best, worth = logarithmic(max(population // 2, 1))
        weights = shared_by_ties(fitness, best)
        # Constants: tutorial, equations 55 to 58, rates times (n + 2) / 3 as the diagonal has fewer numbers.
        rate_sigma = (worth + 2) / (size + worth + 5)
        damping = 1 + 2 * max(0, np.sqrt((worth - 1) / (size + 1)) - 1) + rate_sigma
        rate = (4 + worth / size) / (size + 4 + 2 * worth / size)
        faster = (size + 2) / 3
        rate_one = min(1, faster * 2 / ((size + 1.3) ** 2 + worth))
        rate_many = min(1 - rate_one, faster * 2 * (worth - 2 + 1 / worth) / ((size + 2) ** 2 + worth))
        expected = np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2))

        steps = (genomes - state["mean"]) / state["sigma"]
        step = weights @ steps
        deviations = np.sqrt(state["variances"])
        sigma_path = (1 - rate_sigma) * state["sigma_path"]
        sigma_path += np.sqrt(rate_sigma * (2 - rate_sigma) * worth) * step / deviations
        length = np.sqrt(sigma_path @ sigma_path)
        settled = length / np.sqrt(1 - (1 - rate_sigma) ** (2 * (generation + 1)))
        steady = settled < (1.4 + 2 / (size + 1)) * expected
        path = (1 - rate) * state["path"] + steady * np.sqrt(rate * (2 - rate) * worth) * step
        kept = 1 - rate_one - rate_many + (not steady) * rate_one * rate * (2 - rate)
        variances = kept * state["variances"] + rate_one * path**2 + rate_many * (weights @ steps**2)
        state.update(
            mean=state["mean"] + state["sigma"] * step,
            variances=variances,
            sigma=np.array(state["sigma"] * np.exp(min(1, rate_sigma / damping * (length / expected - 1)))),
            sigma_path=sigma_path,
            path=path,
        )

    def centre(self, state: State) -> np.ndarray:
        """Return the mean of the distribution."""
        return state["mean"].astype(np.float32)

    def spread(self, state: State) -> float:
        """Return the root mean square of the standard deviations."""
        return float(state["sigma"] * np.sqrt(state["variances"].mean()))
