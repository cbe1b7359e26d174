"""How a read-out moves: along groups of axes, where its loss is exactly a parabola.

All losses follow from the moments of what is read and of the targets, which are taken once: the loss of a trial less
the loss without it, of any step along any axes. The steps of a group are shared by the overlap of its responses: a
Newton step in the subspace of the group, from differences of losses. Shrinkage is a cost of squared steps along the
axes. BLAS on one thread does all products: two to three times as fast as the kernels where no samples are packed.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# What an input weighs beside a unit in the metric.
AFFINE = 0.3


def input_step(size: float) -> np.float32:
    """Return what a step of 1 along the axis of an input adds to its weight, for inputs of a mean square length."""
    return np.float32(AFFINE / np.sqrt(size))


def sweep(
    readouts: Iterable[np.ndarray],
    moments: np.ndarray,
    pulls: np.ndarray,
    shrinkages: Iterable[float],
    order: np.ndarray,
    axes: int,
) -> None:
    """Move read-outs along all axes once, group by group, and then the last one, which is not shrunk.

    Parameters
    ----------
    readouts : (out, k) float32 each; written
    moments : (k, k) float32, inner products of the axes' responses
    pulls : (out, k) float32, inner products of the targets and the responses
    shrinkages : of each read-out
    order : (k - 1,) in which the axes but the last take their turn
    axes : in a group
    """
    groups = [order[first : first + axes] for first in range(0, len(order), axes)]
    for readout, shrinkage in zip(readouts, shrinkages, strict=True):
        for group in groups:
            _move(readout, moments, pulls, group, shrinkage)
        _move(readout, moments, pulls, np.array([len(moments) - 1]), 0.0)


def _move(readout: np.ndarray, moments: np.ndarray, pulls: np.ndarray, group: np.ndarray, shrinkage: float) -> None:
    rows, now = moments[group], readout[:, group]
    fall = pulls[:, group] - readout @ rows.T - np.float32(shrinkage) * now
    bend = rows[:, group] + shrinkage * np.eye(len(group))
    readout[:, group] = now + np.linalg.solve(bend, fall.T).T.astype(np.float32)


def squared_error(readout: np.ndarray, moments: np.ndarray, pulls: np.ndarray, square: float) -> float:
    """Return the squared error of a read-out over all samples, where the targets have this sum of squares."""
    return square + float(np.vdot((readout @ moments - 2 * pulls).astype(np.float64), readout.astype(np.float64)))
