"""Separable CMA-ES, the reference: a covariance matrix that is diagonal.

Source: Ros and Hansen, "A simple modification in CMA-ES achieving linear time and space complexity", PPSN 2008,
doi:10.1007/978-3-540-87700-4_30. Samples, weights and constants are those of `cma.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from olacore.fitness.layout import Layout
from olacore.fitness.strategies.base import GENOME_STRATEGIES, GenomeStrategy, State, shared_by_ties
from olacore.fitness.strategies.cma import PUSH, orthogonal, paths_of, rates_of, weights_of


@GENOME_STRATEGIES.add
@dataclass(frozen=True)
class Separable(GenomeStrategy):
    """CMA-ES with a diagonal covariance matrix and cumulative step-size adaptation.

    Parameters
    ----------
    push : how far the worse half pushes the mean away, as a share of how far the better half pulls it
    """

    name: ClassVar[str] = "separable"
    by_axis: ClassVar[bool] = True
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"push": (0, 1)}

    push: float = PUSH

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
        mean = state["mean"]
        drawn = orthogonal(seed, generation, int(state["population"]), len(mean))
        return (mean + state["sigma"] * np.sqrt(state["variances"]) * drawn).astype(np.float32)

    def tell(self, state: State, genomes: np.ndarray, fitness: np.ndarray, seed: int, generation: int) -> None:
        """Move the mean to the better half and away from the worse, and widen the distribution where they lie."""
        population, size = genomes.shape
        drawn = orthogonal(seed, generation, population, size)
        # The diagonal has fewer numbers than the matrix, and learns faster.
        rates = rates_of(size, population, float(self.push), (size + 2) / 3)
        step = shared_by_ties(fitness, rates.moves) @ drawn
        squares = drawn**2
        weights = weights_of(fitness, rates, squares.sum(1))
        paths, kept = paths_of(state, rates, step, generation)
        wider = kept + rates.one * paths["path"] ** 2 + rates.many * (weights @ squares)
        mean = state["mean"] + state["sigma"] * np.sqrt(state["variances"]) * step
        state.update(mean=mean, variances=state["variances"] * wider)
        state.update(paths)

    def centre(self, state: State) -> np.ndarray:
        """Return the mean of the distribution."""
        return state["mean"].astype(np.float32)

    def spread(self, state: State) -> float:
        """Return the root mean square of the standard deviations."""
        return float(state["sigma"] * np.sqrt(state["variances"].mean()))
