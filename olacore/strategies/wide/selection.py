"""Selection among units: those stay whose absence would cost most on samples that they did not see.

On the samples that a read-out was evolved on, usefulness keeps the odd ones out, each of which only its own unit can
answer, and thins the families that new samples come from. So the samples are cut into folds, and a read-out is found
without each. What taking a unit out would add to the loss of the fold, once the other units have made up for it as well
as the rest of the samples tell them to, is exact: the answers change by v_j A^-1_j / A^-1_jj. A is the moments of what
the units answer on the rest, and the shrinkage ("optimal brain surgeon", Hassibi and Stork 1993). The read-outs that
judge are where those of the search end, at A's ridge regression, since A is factorised anyway.
"""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.strategies.group import ALONE, Group
from olacore.strategies.wide.seeds import SMALL, inverse_of_lower, multiply_lower

# Folds of the samples, and the shrinkage of their read-outs.
FOLDS, SHRINKAGE = 2, 3.0
# Times that the samples are cut into folds anew: which half a family falls into is chance.
CUTS = 3
# Share of the targets' variance that the outputs hold which costs are measured on, those of most variance.
LEADING = 0.9


def absence_costs(
    answers: np.ndarray,
    targets: np.ndarray,
    overlap: np.ndarray,
    draw: np.random.Generator,
    group: Group = ALONE,
    name: str = "folds",
) -> np.ndarray:
    """Return by how much the squared error of all folds of all cuts would rise without each unit, (m,) float64.

    Parameters
    ----------
    answers : (m, n) float32 of the units, about their means
    targets : (out, n) float32, about their means, weighted as the answers are
    overlap : (m, m) of the units
    group, name : islands that do some of the folds each, and the name of that
    """
    targets = leading(targets)
    cuts = draw.integers(0, FOLDS, (CUTS, answers.shape[1]))
    with one_blas_thread():

        def costs_of(job: int) -> np.ndarray:
            fold, number = cuts[job // FOLDS], job % FOLDS
            seen, pulls = answers[:, fold != number], targets[:, fold != number]
            unseen, missed = answers[:, fold == number], targets[:, fold == number]
            known = seen @ seen.T + SHRINKAGE * overlap
            # What turns known into 1: the inverse is its square.
            lower = inverse_of_lower(np.linalg.cholesky(known)).astype(np.float32)
            readout = pulls @ seen.T @ lower.T @ lower
            missed = missed - readout @ unseen
            change = _multiply_upper(lower, multiply_lower(lower, unseen))
            change /= np.square(lower).sum(0)[:, None]
            pulled = np.einsum("ms,ms->m", change, readout.T @ missed, dtype=np.float64)
            squares = np.einsum("ms,ms->m", change, change, dtype=np.float64)
            return 2 * pulled + squares * np.square(readout, dtype=np.float64).sum(0)

        return np.sum(group.each(name, CUTS * FOLDS, costs_of), axis=0)


def _multiply_upper(lower: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return L^T x (m, n) of a lower triangular matrix (m, m) and rows (m, n)."""
    out = np.empty_like(rows)
    for first in range(0, len(lower), SMALL):
        out[first : first + SMALL] = lower[first:, first : first + SMALL].T @ rows[first:]
    return out


def leading(targets: np.ndarray) -> np.ndarray:
    """Return as few outputs (out, n) as hold most of the variance of targets about their means, in their order."""
    variance = np.square(targets, dtype=np.float64).sum(1)
    order = np.argsort(-variance, kind="stable")
    held = np.cumsum(variance[order])
    count = int(np.searchsorted(held, LEADING * held[-1])) + 1
    return np.ascontiguousarray(targets[np.sort(order[:count])])
