"""How a read-out moves: along groups of axes, where its loss is exactly a parabola.

The steps of a group are shared by the overlap of its responses: a Newton step in the subspace of the group, from
differences of losses. Shrinkage is a cost of squared steps along the axes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.kernels.products import multiply_rows
from olacore.strategies.common.readout import multiply, pack


def sweep(
    readouts: Iterable[np.ndarray],
    residuals: Iterable[np.ndarray],
    responses: np.ndarray,
    shrinkages: Iterable[float],
    order: np.ndarray,
    axes: int,
) -> None:
    """Move read-outs along all axes once, group by group.

    Parameters
    ----------
    readouts : (out, k) each; written
    residuals : (out, n) each, what the answers lack; written; like the others gone through once a group
    responses : (k, n) of the axes
    shrinkages : of each read-out
    order : (k,) in which the axes take their turn
    axes : in a group
    """
    samples = responses.shape[1]
    for first in range(0, len(order), axes):
        group = order[first : first + axes]
        taken = responses[group]
        packed = pack(taken)
        bend = np.empty((len(group), len(group)), np.float32)
        multiply_rows(taken, taken, bend)
        for readout, residual, shrinkage in zip(readouts, residuals, shrinkages, strict=True):
            fall = np.empty((len(residual), len(group)), np.float32)
            multiply_rows(residual, taken, fall)
            now = readout[:, group]
            with threadpool_limits(1, user_api="blas"):
                shrunk = bend + shrinkage * np.eye(len(group))
                steps = np.linalg.solve(shrunk, (fall - shrinkage * now).T).T.astype(np.float32)
            readout[:, group] = now + steps
            residual -= multiply(steps, None, packed, samples)
