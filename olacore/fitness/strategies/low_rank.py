"""An antithetic evolution strategy whose covariance matrix has a low rank beside the identity.

Vectors along which the mean has moved, over shorter and longer times, stretch the samples one after the other, as in
the limited-memory matrix adaptation of Loshchilov, Glasmachers and Beyer, "Large scale black-box optimization by
limited-memory matrix adaptation", IEEE TEVC 2019, arXiv:1705.06693. Samples come in mirrored pairs, of which only the
better one counts: with both, their mean would lose its length (Auger, Brockhoff and Hansen, "Mirrored sampling in
evolution strategies with weighted recombination", GECCO 2011, doi:10.1145/2001576.2001694).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np

from olacore.fitness.layout import Layout
from olacore.fitness.strategies.base import (
    FEW,
    GENOME_STRATEGIES,
    GenomeStrategy,
    State,
    logarithmic,
    normal,
    shared_by_ties,
)
from olacore.jit.threads import threads
from olacore.kernels.genomes import shape_samples


@GENOME_STRATEGIES.add
@dataclass(frozen=True)
class LowRank(GenomeStrategy):
    """Mirrored pairs of samples, stretched along `rank` vectors.

    Parameters
    ----------
    rank : vectors; 0 takes 4 + 3 log(size)
    """

    name: ClassVar[str] = "low-rank"
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"rank": (0, inf)}

    rank: int = 0

    def population(self, size: int) -> int:
        """Twice 4 + 3 log(size): as many pairs as other strategies have genomes would be."""
        return 2 * (4 + int(3 * np.log(size)))

    def start(self, layout: Layout, population: int, mean: np.ndarray, sigma: float, seed: int) -> State:
        """A round distribution around the mean, narrower where many numbers are summed."""
        rank = int(self.rank) or 4 + int(3 * np.log(layout.size))
        return {
            "mean": mean.astype(np.float64),
            "scales": layout.scales.astype(np.float32),
            "sigma": np.array(sigma, np.float64),
            "sigma_path": np.zeros(layout.size),
            "vectors": np.zeros((rank, layout.size), np.float32),
            "population": np.array(population),
        }

    def ask(self, state: State, seed: int, generation: int) -> np.ndarray:
        """Sample pairs around the mean; of an odd population the last one is alone."""
        population = int(state["population"])
        step = (state["sigma"] * state["scales"]) * self._shaped(state, seed, generation)
        genomes = np.concatenate([state["mean"] + step, state["mean"] - step])
        return np.ascontiguousarray(genomes[:population], np.float32)

    def tell(self, state: State, genomes: np.ndarray, fitness: np.ndarray, seed: int, generation: int) -> None:
        """Move the mean to the better ones of the best pairs, and learn the direction."""
        size, pairs = len(state["mean"]), (len(genomes) + 1) // 2
        mirrored = np.full(pairs, -inf)
        mirrored[: len(genomes) - pairs] = fitness[pairs:]
        signs = (fitness[:pairs] > mirrored).astype(float) - (fitness[:pairs] < mirrored)
        best, worth = logarithmic(max((pairs + 1) // 2, 1))
        weights = shared_by_ties(np.maximum(fitness[:pairs], mirrored), best) * signs

        shaped = weights @ self._shaped(state, seed, generation).astype(np.float64)
        drawn = weights @ normal(seed, generation, pairs, size).astype(np.float64)
        rate_sigma = float(min(2 * pairs / (size + pairs), 0.5))
        sigma_path = (1 - rate_sigma) * state["sigma_path"]
        sigma_path += np.sqrt(worth * rate_sigma * (2 - rate_sigma)) * drawn
        rates = self._path_rates(state)[:, None]
        vectors = (1 - rates) * state["vectors"] + np.sqrt(worth * rates * (2 - rates)) * drawn
        longer = float(sigma_path @ sigma_path) / size - 1
        state.update(
            mean=state["mean"] + state["sigma"] * state["scales"] * shaped,
            sigma=np.array(state["sigma"] * np.exp(min(1, rate_sigma / 2 * longer))),
            sigma_path=sigma_path,
            vectors=vectors.astype(np.float32),
        )

    def centre(self, state: State) -> np.ndarray:
        """Return the mean of the distribution."""
        return state["mean"].astype(np.float32)

    def spread(self, state: State) -> float:
        """Return the standard deviation, without what the vectors add."""
        return float(state["sigma"] * np.sqrt((state["scales"] ** 2).mean()))

    def _shaped(self, state: State, seed: int, generation: int) -> np.ndarray:
        """The steps of the pairs before the scales, (pairs, size) float32."""
        size, pairs = len(state["mean"]), (int(state["population"]) + 1) // 2
        drawn = normal(seed, generation, pairs, size)
        known = min(generation, len(state["vectors"]))
        rates = (1 / (size * 1.5 ** np.arange(known))).astype(np.float32)
        shaped = np.empty_like(drawn)
        with threads(1 if drawn.size < FEW else None):
            shape_samples(drawn, state["vectors"][:known], rates, shaped)
        return shaped

    def _path_rates(self, state: State) -> np.ndarray:
        """How much each vector learns in a generation: the first most, each further one a quarter of that before it."""
        size, pairs = len(state["mean"]), (int(state["population"]) + 1) // 2
        return np.minimum(pairs / (size * 4.0 ** np.arange(len(state["vectors"]))), 0.5)
