"""CMA-ES with the whole covariance matrix, for genomes of up to some hundred numbers that depend on each other.

It is kept as a factor, so that nothing is decomposed: Beyer and Sendhoff, "Simplify your covariance matrix adaptation
evolution strategy", IEEE TEVC 2017, doi:10.1109/TEVC.2017.2680320, with the second path of Hansen's tutorial,
arXiv:1604.00772. As samples are orthogonal and all of them count (`cma.py`), few of them do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from olacore.errors import ConfigError
from olacore.fitness.layout import Layout
from olacore.fitness.strategies.base import GENOME_STRATEGIES, GenomeStrategy, State, shared_by_ties
from olacore.fitness.strategies.cma import PUSH, one_thread, orthogonal, paths_of, rates_of, weights_of

# Numbers of a genome: a matrix of more takes more than 128 MB.
MOST = 4096


@GENOME_STRATEGIES.add
@dataclass(frozen=True)
class Full(GenomeStrategy):
    """CMA-ES whose covariance matrix is the square of a factor that is multiplied by what helped.

    Parameters
    ----------
    push : how far the worse half pushes the mean away, as a share of how far the better half pulls it
    """

    name: ClassVar[str] = "full"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"push": (0, 1)}

    push: float = PUSH

    def population(self, size: int) -> int:
        """4 + 1.5 log(size): as samples are orthogonal and all of them count, half of what is usual beyond 4."""
        return 4 + round(1.5 * np.log(size))

    def start(self, layout: Layout, population: int, mean: np.ndarray, sigma: float, seed: int) -> State:
        """A distribution around the mean, narrower where many numbers are summed."""
        size = layout.size
        if size > MOST:
            raise ConfigError(
                f"the strategy full takes genomes of at most {MOST} numbers; these have {size}: take low-rank."
            )
        return {
            "mean": mean.astype(np.float64),
            "factor": np.diag(layout.scales),
            "sigma": np.array(sigma, np.float64),
            "sigma_path": np.zeros(size),
            "path": np.zeros(size),
            "population": np.array(population),
        }

    def ask(self, state: State, seed: int, generation: int) -> np.ndarray:
        """Sample the distribution."""
        mean = state["mean"]
        drawn = orthogonal(seed, generation, int(state["population"]), len(mean))
        with one_thread(len(mean)):
            return (mean + state["sigma"] * (drawn @ state["factor"].T)).astype(np.float32)

    def tell(self, state: State, genomes: np.ndarray, fitness: np.ndarray, seed: int, generation: int) -> None:
        """Move the mean to the better half and away from the worse, and stretch the distribution to where they lie."""
        population, size = genomes.shape
        drawn = orthogonal(seed, generation, population, size)
        rates, factor = rates_of(size, population, float(self.push)), state["factor"]
        step = shared_by_ties(fitness, rates.moves) @ drawn
        weights = weights_of(fitness, rates, (drawn**2).sum(1))
        paths, kept = paths_of(state, rates, step, generation)
        path = paths["path"]
        with one_thread(size):
            moved = factor @ step
            bent = factor @ np.concatenate([drawn, path[None]]).T
            scaled = np.concatenate([rates.many * weights[:, None] * drawn, rates.one * path[None]])
            factor = (0.5 + 0.5 * kept) * factor + 0.5 * (bent @ scaled)
        state.update(mean=state["mean"] + state["sigma"] * moved, factor=factor)
        state.update(paths)

    def centre(self, state: State) -> np.ndarray:
        """Return the mean of the distribution."""
        return state["mean"].astype(np.float32)

    def spread(self, state: State) -> float:
        """Return the root mean square of the standard deviations."""
        return float(state["sigma"] * np.sqrt((state["factor"] ** 2).sum(1).mean()))
