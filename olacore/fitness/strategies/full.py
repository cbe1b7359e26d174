"""CMA-ES with the whole covariance matrix, for genomes of up to some hundred numbers that depend on each other.

It is kept as a factor, so that nothing is decomposed: Beyer and Sendhoff, "Simplify your covariance matrix adaptation
evolution strategy", IEEE TEVC 2017, doi:10.1109/TEVC.2017.2680320. Weights, negative ones too, rates and the second
path are those of Hansen's tutorial, arXiv:1604.00772. Samples of a generation are orthogonal, as in Wang, Emmerich and
Bäck, "Mirrored orthogonal sampling for covariance matrix adaptation evolution strategies", Evolutionary Computation
2019, doi:10.1162/evco_a_00251, and those that lost push the mean away, as in Arnold, "Optimal weighted recombination",
FOGA 2005, doi:10.1007/11513575_12: so few of them do.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np

from olacore.errors import ConfigError
from olacore.fitness.layout import Layout
from olacore.fitness.strategies.base import GENOME_STRATEGIES, GenomeStrategy, State, normal, shared_by_ties
from olacore.jit.threads import one_blas_thread

# Numbers of a genome: a matrix of more takes more than 128 MB.
MOST = 4096
# Numbers of a genome up to which BLAS takes one thread anyway.
SMALL = 64
# How far the worse half pushes the mean: all of it loses where one direction is far steeper than all others.
PUSH = 0.5


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
        weights = shared_by_ties(fitness, rates.weights)
        step = shared_by_ties(fitness, rates.moves) @ drawn
        sigma_path = (1 - rates.sigma) * state["sigma_path"]
        sigma_path += np.sqrt(rates.sigma * (2 - rates.sigma) * rates.worth) * step
        length = np.sqrt(sigma_path @ sigma_path)
        settled = length / np.sqrt(1 - (1 - rates.sigma) ** (2 * (generation + 1)))
        steady = bool(settled < (1.4 + 2 / (size + 1)) * rates.expected)
        path = (1 - rates.path) * state["path"]
        path += steady * np.sqrt(rates.path * (2 - rates.path) * rates.worth) * step
        # Those that lost count as if they lay as far off as is expected, so that the matrix stays positive.
        squares = (drawn**2).sum(1)
        weights = np.where(weights < 0, weights * size / squares, weights)
        kept = (
            1 - rates.one - rates.many * rates.weights.sum() + (not steady) * rates.one * rates.path * (2 - rates.path)
        )
        with one_thread(size):
            moved = factor @ step
            bent = factor @ np.concatenate([drawn, path[None]]).T
            scaled = np.concatenate([rates.many * weights[:, None] * drawn, rates.one * path[None]])
            factor = (0.5 + 0.5 * kept) * factor + 0.5 * (bent @ scaled)
        longer = float(rates.sigma / rates.damping * (length / rates.expected - 1))
        state.update(
            mean=state["mean"] + state["sigma"] * moved,
            factor=factor,
            sigma=np.array(state["sigma"] * np.exp(min(1.0, longer))),
            sigma_path=sigma_path,
            path=path,
        )

    def centre(self, state: State) -> np.ndarray:
        """Return the mean of the distribution."""
        return state["mean"].astype(np.float32)

    def spread(self, state: State) -> float:
        """Return the root mean square of the standard deviations."""
        return float(state["sigma"] * np.sqrt((state["factor"] ** 2).sum(1).mean()))


class Rates(NamedTuple):
    """The constants of a search.

    Parameters
    ----------
    weights : of the genomes in the matrix, best first, (pop,); the better half's sum to 1, the others are negative
    moves : the same, in the step of the mean
    worth : how many equal genomes the step is worth
    sigma, damping, path, one, many : how much paths, step and matrix learn in a generation
    expected : length of a standard normal vector
    """

    weights: np.ndarray
    moves: np.ndarray
    worth: float
    sigma: float
    damping: float
    path: float
    one: float
    many: float
    expected: float


@lru_cache(8)
def rates_of(size: int, population: int, push: float) -> Rates:
    """Constants as in Hansen's tutorial, equations 49 to 58."""
    raw = np.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    half = population // 2
    best, worst = raw[:half] / raw[:half].sum(), raw[half:] / np.abs(raw[half:]).sum()
    moves = np.concatenate([best, push * worst])
    pulled, pushed, worth = (float(1 / (some**2).sum()) for some in (best, worst, moves))
    sigma = (worth + 2) / (size + worth + 5)
    one = 2 / ((size + 1.3) ** 2 + pulled)
    many = min(1 - one, 2 * (0.25 + pulled + 1 / pulled - 2) / ((size + 2) ** 2 + pulled))
    limit = min(1 + one / many, 1 + 2 * pushed / (pushed + 2), (1 - one - many) / (size * many))
    return Rates(
        np.concatenate([best, limit * worst]),
        moves,
        worth,
        sigma,
        1 + 2 * max(0, np.sqrt(max(0, worth - 1) / (size + 1)) - 1) + sigma,
        (4 + pulled / size) / (size + 4 + 2 * pulled / size),
        one,
        many,
        np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2)),
    )


@lru_cache(1)
def orthogonal(seed: int, generation: int, rows: int, size: int) -> np.ndarray:
    """Standard normal vectors, (rows, size) float64, of which as many as there are dimensions are orthogonal.

    They are not to be written to: they are kept from `ask` to `tell`.
    """
    drawn = normal(seed, generation, rows, size).astype(np.float64)
    lengths = np.sqrt((drawn**2).sum(1, keepdims=True))
    whole = rows - rows % size
    with one_thread(size):
        for part in (drawn[:whole].reshape(-1, size, size), drawn[None, whole:]):
            turned, triangle = np.linalg.qr(part.transpose(0, 2, 1))
            signs = np.sign(np.diagonal(triangle, axis1=1, axis2=2))
            part[:] = (turned * signs[:, None]).transpose(0, 2, 1)
    drawn *= lengths
    drawn.flags.writeable = False
    return drawn


def one_thread(size: int) -> AbstractContextManager[Any]:
    """Hold BLAS to one thread, where it would take more: the order of sums must not depend on their number."""
    return nullcontext() if size <= SMALL else one_blas_thread()
