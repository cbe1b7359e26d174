"""How a read-out is rounded to int8: one column after another, each of which makes up for what those before it missed.

Units overlap, so that what rounding misses adds up where they answer alike: the nearest level is not the one from which
answers change least. A triangular factor tells how much of what is missed the columns that are still to be rounded make
up for ("nearest plane", Babai 1986; "GPTQ", Frantar and others 2023). No output depends on another. BLAS on one thread
does the products, so that the number of threads changes no bits.
"""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.kernels.lattice import LEVELS, from_even_lattice, to_even_lattice
from olacore.strategies.wide.seeds import SMALL, inverse_of_lower, multiply_lower

# Columns that are rounded before what they miss is passed on to all others.
TOGETHER = 64
# What squared steps along the axes count beside squared changes of answers; and at least, as a share of the moments.
SHRINKAGE, LEAST_SHARE = 1.0, 1e-5


def rounding_factor(moments: np.ndarray, white: np.ndarray, of_units: float, of_inputs: float) -> np.ndarray:
    """Return what errors of a read-out are measured by, (in + m, in + m) float32, lower triangular: an error E (out,
    in + m) of what is read of inputs and units counts |E factor|^2, squared changes of answers and squared steps.

    Parameters
    ----------
    moments : (m + in, m + in) float32 of the axes of units, then of inputs
    white : (m, m) float32, lower triangular, what turns units into axes
    of_units, of_inputs : what a step of 1 along their axes adds to what is read of units and of inputs
    """
    units = len(white)
    order = np.roll(np.arange(len(moments)), len(moments) - units)
    found = moments[np.ix_(order, order)]
    found[np.diag_indices_from(found)] += max(SHRINKAGE, LEAST_SHARE * float(np.trace(moments, dtype=np.float64)))
    with one_blas_thread():
        found = np.linalg.cholesky(found)
        found[-units:] = multiply_lower(inverse_of_lower(white), found[-units:]) / np.float32(of_units)
        found[:-units] /= np.float32(of_inputs)
    return found


def round_together(weights: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Return weights (out, k) on the lattice of int8, rounded so that answers change least.

    Outputs whose answers change less where every weight goes to its nearest level are rounded that way.

    Parameters
    ----------
    weights : (out, k) float32, finite
    factor : (k, k) float32, lower triangular, its diagonal positive: an error E (out, k) counts |E factor|^2
    """
    levels, scales, columns = to_even_lattice(weights)
    plain = from_even_lattice(levels, scales, columns).T.copy()
    # Scales are those of the largest weights of outputs and columns, which stay; and columns of zeros have none.
    sizes = np.abs(levels.T.astype(np.int16))
    stays = (sizes == 0).all(1, keepdims=True) | (scales == 0)
    stays[sizes.argmax(0), np.arange(len(scales))] = True
    stays[np.arange(len(columns)), np.abs(plain).argmax(1)] = True
    steps = np.where(scales > 0, scales, np.float32(1)) * columns.astype(np.float32)[:, None]
    aims, found, before = weights.T.copy(), np.empty_like(plain), np.zeros(len(scales))
    goals, missed, nearest = np.empty_like(aims), np.empty_like(aims), aims - plain
    with one_blas_thread():
        for first in range((len(aims) - 1) // TOGETHER * TOGETHER, -1, -TOGETHER):
            last = min(first + TOGETHER, len(aims))
            owed = factor[last:, first:last].T @ missed[last:]
            for column in range(last - 1, first - 1, -1):
                goal = np.divide(owed[column - first], factor[column, column], out=goals[column])
                goal += aims[column]
                near = np.divide(goal, steps[column], out=found[column])
                np.minimum(np.maximum(np.rint(near, out=near), -LEVELS, out=near), LEVELS, out=near)
                near *= steps[column]
                np.copyto(near, plain[column], where=stays[column])
                np.subtract(aims[column], near, out=missed[column])
                owed[: column - first] += factor[column, first:column, None] * missed[column]
        for first in range(0, len(aims), SMALL):
            change = factor[first:, first : first + SMALL].T @ nearest[first:]
            before += np.square(change).sum(0, dtype=np.float64)
    goals -= found
    goals *= np.diag(factor)[:, None]
    better = np.square(goals).sum(0, dtype=np.float64) < before
    return np.ascontiguousarray(np.where(better, found, plain).T)
