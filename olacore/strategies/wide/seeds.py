"""Where hidden units are born: at samples of the inputs, or at the middles of groups of samples.

A unit at the centre c answers tanh(width (x . c - |c|^2) / size - 1); `size` is the mean square length of an input. At
its own centre every unit answers alike. Nearly everywhere else it is in the tail of tanh, where it grows as
exp(2 width x . c / size): read together, such units reach what a Gaussian kernel at the centres does.
"""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.kernels.forward import multiply_packed
from olacore.kernels.layout import CHUNK, empty_packed, pack_rows
from olacore.strategies.group import ALONE, Group

# Rounds in which centres move to the middles of the samples that are nearest to them.
ROUNDS = 5
# Pre-activation of a unit at its own centre.
AT_CENTRE = -1.0
# A unit's answer is 1 at its centre, where tanh is in its exponential part.
GAIN = np.exp(-2 * AT_CENTRE)
# Added to the overlap of a unit with itself: units which nearly coincide are not played off against each other, so that
# their read-outs stay small enough for int8.
JITTER = 0.02
# Rows of a triangular matrix that are treated as those of any other.
SMALL = 256


def find_centres(sample: np.ndarray, units: int, draw: np.random.Generator, group: Group = ALONE) -> np.ndarray:
    """Return centres (m, in) float32 with m the smaller of `units` and the samples.

    Parameters
    ----------
    sample : (n, in) float32 standardised inputs
    group : islands that look for the nearest centres of some samples each
    """
    if units >= len(sample):
        return sample.copy()
    centres = sample[np.sort(draw.choice(len(sample), units, False))].copy()
    packed = empty_packed(*sample.shape)
    pack_rows(sample, packed)
    parts = np.array_split(np.arange(len(packed)), min(group.count, len(packed)))

    def nearest_of(part: int) -> np.ndarray:
        chunks = packed[parts[part]]
        scores = np.empty((units, min(len(chunks) * CHUNK, len(sample) - int(parts[part][0]) * CHUNK)), np.float32)
        multiply_packed(centres, np.float32(-0.5) * np.square(centres).sum(1), chunks, scores)
        return scores.argmax(0)

    for number in range(ROUNDS):
        nearest = np.concatenate(group.each(f"centres-{units}-{number}", len(parts), nearest_of))
        count = np.bincount(nearest, minlength=units)
        order = np.argsort(nearest, kind="stable")
        taken = np.flatnonzero(count)
        starts = np.concatenate([[0], np.cumsum(count[taken])[:-1]])
        sums = np.add.reduceat(sample[order].astype(np.float64), starts, axis=0)
        centres[taken] = sums / count[taken, None]
    return centres


def units_at(centres: np.ndarray, width: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (m, in) and biases (m,) of units at centres (m, in)."""
    weights = np.float32(width / size) * centres
    lengths = np.square(centres, dtype=np.float64).sum(1)
    return weights, (AT_CENTRE - width / size * lengths).astype(np.float32)


def overlap(centres: np.ndarray, width: float, size: float) -> np.ndarray:
    """Return how much Gaussians at the centres overlap, (m, m) float64: exp(-width |c_i - c_j|^2 / size)."""
    with one_blas_thread():
        products = centres.astype(np.float64) @ centres.T
    lengths = np.diag(products)
    found = np.exp(width / size * np.minimum(2 * products - lengths[:, None] - lengths, 0))
    found[np.diag_indices_from(found)] += JITTER
    return found


def whitening(overlap: np.ndarray) -> np.ndarray:
    """Return W (m, m) float32, lower triangular, with W K W^T = 1 for an overlap K."""
    with one_blas_thread():
        return inverse_of_lower(np.linalg.cholesky(overlap)).astype(np.float32)


def inverse_of_lower(matrix: np.ndarray) -> np.ndarray:
    """Invert a lower triangular matrix, by halves: a sixth of the work of what NumPy has for any matrix."""
    if len(matrix) <= SMALL:
        return np.tril(np.linalg.inv(matrix))
    half = len(matrix) // 2
    first, last = inverse_of_lower(matrix[:half, :half]), inverse_of_lower(matrix[half:, half:])
    inverse = np.zeros_like(matrix)
    inverse[:half, :half], inverse[half:, half:] = first, last
    inverse[half:, :half] = -last @ matrix[half:, :half] @ first
    return inverse


def multiply_lower(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return L x (m, n) of a lower triangular matrix (m, m) and rows (m, n), without most of what is zero in it."""
    out = np.empty_like(rows)
    with one_blas_thread():
        for first in range(0, len(matrix), SMALL):
            last = first + SMALL
            out[first:last] = matrix[first:last, :last] @ rows[:last]
    return out
