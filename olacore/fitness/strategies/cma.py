"""What strategies with a covariance matrix have in common: constants, and samples that are orthogonal.

Weights, negative ones too, and rates are those of Hansen's tutorial, arXiv:1604.00772. Samples of a generation are
orthogonal, as in Wang, Emmerich and Bäck, "Mirrored orthogonal sampling for covariance matrix adaptation evolution
strategies", Evolutionary Computation 2019, doi:10.1162/evco_a_00251, and those that lost push the mean away, as in
Arnold, "Optimal weighted recombination", FOGA 2005, doi:10.1007/11513575_12.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from olacore.fitness.strategies.base import State, normal, shared_by_ties
from olacore.jit.threads import one_blas_thread

# Numbers of a genome for one vector from which angles between vectors are within a degree or so of right ones.
NEARLY = 256
# Numbers of a genome up to which BLAS takes one thread anyway.
SMALL = 64
# How far the worse half pushes the mean: all of it loses where one direction is far steeper than all others.
PUSH = 0.5


class Rates(NamedTuple):
    """The constants of a search.

    Parameters
    ----------
    weights : of the genomes in the matrix, best first, (pop,); the better half's sum to 1, the others are negative
    moves : the same, in the step of the mean
    worth : how many equal genomes the step is worth
    sigma, damping, path, one, many : how much paths, step and matrix learn in a generation
    size, expected : numbers of a genome, and length of a standard normal vector of so many
    """

    weights: np.ndarray
    moves: np.ndarray
    worth: float
    sigma: float
    damping: float
    path: float
    one: float
    many: float
    size: int
    expected: float


@lru_cache(8)
def rates_of(size: int, population: int, push: float, faster: float = 1.0) -> Rates:
    """Constants as in Hansen's tutorial, equations 49 to 58; the matrix learns `faster` times as fast."""
    raw = np.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    half = population // 2
    best, worst = raw[:half] / raw[:half].sum(), raw[half:] / np.abs(raw[half:]).sum()
    moves = np.concatenate([best, push * worst])
    pulled, pushed, worth = (float(1 / (some**2).sum()) for some in (best, worst, moves))
    sigma = (worth + 2) / (size + worth + 5)
    one = min(1, faster * 2 / ((size + 1.3) ** 2 + pulled))
    many = min(1 - one, faster * 2 * (0.25 + pulled + 1 / pulled - 2) / ((size + 2) ** 2 + pulled))
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
        size,
        np.sqrt(size) * (1 - 1 / (4 * size) + 1 / (21 * size**2)),
    )


def weights_of(fitness: np.ndarray, rates: Rates, squares: np.ndarray) -> np.ndarray:
    """Weights (pop,) in the matrix of samples of these squared lengths (pop,): those that lost count as if they lay as
    far off as is expected, so that the matrix stays positive.
    """
    weights = shared_by_ties(fitness, rates.weights)
    return np.where(weights < 0, weights * rates.size / squares, weights)


def paths_of(state: State, rates: Rates, step: np.ndarray, generation: int) -> tuple[State, float]:
    """Paths and sigma after a step (size,) in the units of samples, and the share of the matrix that is kept."""
    sigma_path = (1 - rates.sigma) * state["sigma_path"]
    sigma_path += np.sqrt(rates.sigma * (2 - rates.sigma) * rates.worth) * step
    length = np.sqrt(sigma_path @ sigma_path)
    settled = length / np.sqrt(1 - (1 - rates.sigma) ** (2 * (generation + 1)))
    steady = bool(settled < (1.4 + 2 / (rates.size + 1)) * rates.expected)
    path = (1 - rates.path) * state["path"]
    path += steady * np.sqrt(rates.path * (2 - rates.path) * rates.worth) * step
    kept = 1 - rates.one - rates.many * rates.weights.sum() + (not steady) * rates.one * rates.path * (2 - rates.path)
    longer = float(rates.sigma / rates.damping * (length / rates.expected - 1))
    sigma = np.array(state["sigma"] * np.exp(min(1.0, longer)))
    return {"sigma": sigma, "sigma_path": sigma_path, "path": path}, float(kept)


@lru_cache(1)
def orthogonal(seed: int, generation: int, rows: int, size: int) -> np.ndarray:
    """Standard normal vectors, (rows, size) float64, of which as many as there are dimensions are orthogonal.

    They are not to be written to: they are kept from `ask` to `tell`. Those of far more numbers than there are vectors
    are left as they are drawn, which is nearly orthogonal.
    """
    drawn = normal(seed, generation, rows, size).astype(np.float64)
    if size > NEARLY * rows:
        drawn.flags.writeable = False
        return drawn
    lengths = np.sqrt((drawn**2).sum(1, keepdims=True))
    whole = rows - rows % size
    with one_thread(size):
        if whole:
            part = drawn[:whole].reshape(-1, size, size)
            turned, triangle = np.linalg.qr(part.transpose(0, 2, 1))
            signs = np.sign(np.diagonal(triangle, axis1=1, axis2=2))
            part[:] = (turned * signs[:, None]).transpose(0, 2, 1)
        if whole < rows:
            # The same by Cholesky's factor, in a third of the time: vectors fewer than dimensions are well apart.
            part = drawn[whole:]
            part[:] = np.linalg.solve(np.linalg.cholesky(part @ part.T), part)
    drawn *= lengths
    drawn.flags.writeable = False
    return drawn


def one_thread(size: int) -> AbstractContextManager[Any]:
    """Hold BLAS to one thread, where it would take more: the order of sums must not depend on their number."""
    return nullcontext() if size <= SMALL else one_blas_thread()
