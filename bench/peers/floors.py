"""The floor of a problem: the best loss of a tanh-affine map that anything is known to reach.

It is the better of least squares (`olacore.quality.baselines`) and Adam run to convergence on whitened inputs, with
several learning rates. All candidates are chosen on validation rows; held-out rows are only reported.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from bench.peers.adam import Adam
from bench.peers.closed import Mean, least_squares
from bench.peers.problems import Problem
from olacore.strategies.rows import SHRINKAGES, SMALL

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
    passes : that Adam was given over the training rows
    """

    problem: str
    digest: str
    loss: str
    held_out: float
    validation: float
    source: str
    candidates: dict[str, tuple[float, float]]
    mean: float
    passes: int = PASSES

    def to_dict(self) -> dict[str, Any]:
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
    small, passes = is_small(problem), passes or usual_passes(problem)
    fit, mean = least_squares(problem, loss), Mean(problem, loss, seed=0)
    mean.advance()
    found = {"least squares": (fit.measure(problem.validation), fit.measure(problem.held_out))}
    for rate, shrinkage in product(SMALL_RATES if small else RATES, SHRINKAGES if small else (0.0,)):
        name = f"Adam {rate:g}" + (f", shrinkage {shrinkage:g}" if small else "")
        search = Adam(problem.whitened(), loss, 0, rate, SMALL_BATCH if small else BATCH, passes, shrinkage)
        found[name] = converge(search, problem)
        report(f"{problem.name} {loss} {name}: validation {found[name][0]:.6f}, held-out {found[name][1]:.6f}")
    best = min(found, key=lambda name: found[name][0])
    validation, held_out = found[best]
    at_mean = mean.measure(problem.held_out)
    return Floor(problem.name, problem.digest, loss, held_out, validation, best, found, at_mean, passes)


def is_small(problem: Problem) -> bool:
    """Whether there are so few rows that training would choose a shrinkage."""
    return problem.train.rows < SMALL * problem.inputs


def usual_passes(problem: Problem) -> int:
    """Passes over the training rows in which Adam converges."""
    return SMALL_PASSES if is_small(problem) else PASSES


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
