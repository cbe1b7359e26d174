"""Selection among units: those stay whose absence would cost most on samples that they did not see.

On the samples that a read-out was evolved on, usefulness keeps the odd ones out, each of which only its own unit can
answer, and thins the families that new samples come from. So the samples are cut into folds, and a read-out is evolved
without each. What taking a unit out would add to the loss of the fold, once the other units have made up for it as well
as the rest of the samples tell them to, is exact: the answers change by v_j A^-1_j / A^-1_jj. A is the moments of what
the units answer on the rest, and the shrinkage ("optimal brain surgeon", Hassibi and Stork 1993).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.kernels.products import multiply_rows
from olacore.strategies.wide.readout import sweep
from olacore.strategies.wide.seeds import multiply_lower

# Folds of the samples, the shrinkage of their read-outs, and how often all axes of those take their turn.
FOLDS, SHRINKAGE, TURNS = 2, 1.5, 3
# Times that the samples are cut into folds anew: which half a family falls into is chance.
CUTS = 3
# Share of the targets' variance that the outputs hold which costs are measured on, those of most variance.
LEADING = 0.9


def absence_costs(
    answers: np.ndarray,
    targets: np.ndarray,
    overlap: np.ndarray,
    white: np.ndarray,
    axes: int,
    draw: np.random.Generator,
) -> np.ndarray:
    """Return by how much the squared error of all folds of all cuts would rise without each unit, (m,) float64.

    Parameters
    ----------
    answers : (m, n) float32 of the units, about their means
    targets : (out, n) float32, about their means, weighted as the answers are
    overlap, white : (m, m) of the units, and what whitens it
    axes : that the read-outs move along together
    """
    targets = leading(targets)
    costs = np.zeros(len(answers))
    for fold, number in product(draw.integers(0, FOLDS, (CUTS, answers.shape[1])), range(FOLDS)):
        seen, unseen = (np.ascontiguousarray(answers[:, which]) for which in (fold != number, fold == number))
        readout = np.zeros((len(targets), len(answers)), np.float32)
        residual = np.ascontiguousarray(targets[:, fold != number])
        responses = multiply_lower(white, seen)
        for _ in range(TURNS):
            sweep([readout], [residual], responses, [SHRINKAGE], draw.permutation(len(answers)), axes)
        moments = np.empty(overlap.shape, np.float32)
        multiply_rows(seen, seen, moments)
        with threadpool_limits(1, user_api="blas"):
            inverse = np.linalg.inv(moments + SHRINKAGE * overlap)
            of_units = readout @ white
            change = (unseen.T @ (inverse / np.diag(inverse)).astype(np.float32)).astype(np.float64)
            missed = targets[:, fold == number] - of_units @ unseen
            pulled = (missed.T @ of_units).astype(np.float64)
        costs += 2 * (change * pulled).sum(0) + np.square(change).sum(0) * np.square(of_units, dtype=np.float64).sum(0)
    return costs


def leading(targets: np.ndarray) -> np.ndarray:
    """Return as few outputs (out, n) as hold most of the variance of targets about their means, in their order."""
    variance = np.square(targets, dtype=np.float64).sum(1)
    order = np.argsort(-variance, kind="stable")
    held = np.cumsum(variance[order])
    count = int(np.searchsorted(held, LEADING * held[-1])) + 1
    return np.ascontiguousarray(targets[np.sort(order[:count])])
