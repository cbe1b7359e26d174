"""The floor of a problem: the best loss of a tanh-affine map that anything is known to reach.

It is the better of least squares (`olacore.baselines`) and Adam run to convergence on whitened inputs, with several
learning rates. All candidates are chosen on validation rows; held-out rows are only reported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np

from bench.peers.adam import Adam
from bench.peers.closed import least_squares
from bench.peers.method import mean_loss
from bench.problems import Problem
from olacore.training import SHRINKAGES, SMALL

logger = logging.getLogger(__name__)

# Rates that bracket the best one on every problem, see `candidates` of a floor; the middle one mostly wins.
RATES = (3e-4, 1e-3, 3e-3)
BATCH, PASSES = 1024, 40
# Passes over few rows are short, and there is a shrinkage to choose.
SMALL_RATES = (1e-3, 3e-3, 1e-2)
SMALL_BATCH, SMALL_PASSES = 256, 300


@dataclass(frozen=True)
class Floor:
    """What a problem's losses are divided by.

    Parameters
    ----------
    problem, digest, loss : what it is the floor of
    held_out, validation : the mean losses of the chosen candidate
    source : the chosen candidate
    candidates : validation and held-out loss of each
    mean : held-out loss of predicting the mean
    """

    problem: str
    digest: str
    loss: str
    held_out: float
    validation: float
    source: str
    candidates: dict[str, tuple[float, float]]
    mean: float

    def to_dict(self) -> dict[str, object]:
        """The floor in JSON types."""
        return asdict(self)


def find_floor(
    problem: Problem, loss: str = "mse", passes: int = 0, report: Callable[[str], object] = logger.info
) -> Floor:
    """Fit every candidate and choose on validation.

    Parameters
    ----------
    passes : of Adam over the training rows; 0 takes the number for the problem's size
    """
    fit = least_squares(problem, loss)
    found = {"least squares": (fit.measure(problem.validation), fit.measure(problem.held_out))}
    small = problem.train.rows < SMALL * problem.inputs
    batch, passes = (SMALL_BATCH, passes or SMALL_PASSES) if small else (BATCH, passes or PASSES)
    for rate, shrinkage in product(SMALL_RATES if small else RATES, SHRINKAGES if small else (0.0,)):
        name = f"Adam {rate:g}" + (f", shrinkage {shrinkage:g}" if small else "")
        found[name] = converge(Adam(problem.whitened(), loss, 0, rate, batch, passes, shrinkage), problem)
        report(f"{problem.name} {loss} {name}: validation {found[name][0]:.6f}, held-out {found[name][1]:.6f}")
    best = min(found, key=lambda name: found[name][0])
    mean = problem.train.targets.mean(1, dtype=np.float64).astype(np.float32)
    flat = np.zeros((problem.outputs, problem.inputs), np.float32)
    zero = mean_loss((flat, np.arctanh(np.clip(mean, -0.999, 0.999))), problem.held_out, loss)
    validation, held_out = found[best]
    return Floor(problem.name, problem.digest, loss, held_out, validation, best, found, zero)


def converge(search: Adam, problem: Problem) -> tuple[float, float]:
    """Validation and held-out loss of the pass that was best on validation."""
    best = np.inf, np.inf
    while not search.finished:
        for _ in range(search.steps_per_pass):
            search.advance()
        here = search.measure(problem.validation)
        if here < best[0]:
            best = here, search.measure(problem.held_out)
    return best
