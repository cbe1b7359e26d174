"""Selection among units: those stay whose absence would cost most on samples that they did not see.

On the samples that a read-out was evolved on, usefulness keeps the odd ones out, each of which only its own unit can
answer, and thins the families that new samples come from. So every sample is answered by a read-out that was found
without it, and so are the answers once a unit is taken out and all others have made up for it ("optimal brain surgeon",
Hassibi and Stork 1993). Both are exact for the read-outs that judge, which are where those of the search end, at the
ridge regression of A, the moments of what the units answer and the shrinkage. With c = A^-1 a, what a unit pulls at a
sample, the answer without unit j lacks v_j c_j / A^-1_jj, the sample's leverage lacks c_j^2 / A^-1_jj, and the error of
a read-out that never saw the sample is that of one which did over 1 - leverage (Allen's PRESS, 1974).
"""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.strategies.group import ALONE, Group
from olacore.strategies.wide.seeds import SMALL, inverse_of_lower, multiply_lower

# Of the read-outs that judge.
SHRINKAGE = 10.0
# Share of the targets' variance that the outputs hold which costs are measured on, those of most variance.
LEADING = 0.9
# Samples that are looked at together.
TOGETHER = 512
# What of a sample's answer is not its own at least, so that rounding divides by no zero.
FREE = np.float32(1e-3)


def absence_costs(
    answers: np.ndarray, targets: np.ndarray, overlap: np.ndarray, group: Group = ALONE, name: str = "samples"
) -> np.ndarray:
    """Return by how much the squared error of all samples, each left out in turn, would rise without each unit, (m,)
    float64.

    Parameters
    ----------
    answers : (m, n) float32 of the units, about their means
    targets : (out, n) float32, about their means, weighted as the answers are
    overlap : (m, m) of the units
    group, name : islands that look at some of the samples each, and the name of that
    """
    targets = leading(targets)
    with one_blas_thread():
        # What turns the moments into 1: their inverse is its square.
        lower = inverse_of_lower(np.linalg.cholesky(answers @ answers.T + SHRINKAGE * overlap)).astype(np.float32)
        readout = lower.T @ (lower @ (answers @ targets.T))
        inverse, sizes = np.square(lower).sum(0)[:, None], np.square(readout).sum(1)[:, None]
        parts = range(0, answers.shape[1], TOGETHER)

        def costs_of(part: int) -> np.ndarray:
            seen = answers[:, parts[part] : parts[part] + TOGETHER]
            white = multiply_lower(lower, seen)
            change = _multiply_upper(lower, white)
            missed = targets[:, parts[part] : parts[part] + TOGETHER] - readout.T @ seen
            free = 1 - np.square(white).sum(0)
            whole = np.square(missed).sum(0)
            lacks = change / inverse
            without = whole + lacks * (2 * (readout @ missed) + lacks * sizes)
            without /= np.square(np.maximum(free + change * lacks, FREE))
            without -= whole / np.square(np.maximum(free, FREE))
            return np.asarray(without.sum(1, dtype=np.float64))

        return np.asarray(np.sum(group.each(name, len(parts), costs_of), axis=0))


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
