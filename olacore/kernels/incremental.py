"""Losses of mirrored children from cached pre-activations.

A child along a direction d that its row shares with others differs by sigma * (d x) only, so d x is computed once.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.layout import CHUNK
from olacore.kernels.loss import INFINITE, ZERO, lose, mse, mse_reference


@device
def score_mirrored(loss, pre, targets, responses, sigma, out):
    """What every `score_directions` does; inlined, so that each is compiled for its loss and kept on disk."""
    rows, samples = pre.shape
    outputs, directions = targets.shape[0], responses.shape[0]
    for row in prange(rows):
        total = np.zeros((directions, 2), np.float64)
        step = sigma[row]
        for first in range(0, samples, CHUNK):
            count = min(CHUNK, samples - first)
            here = pre[row, first : first + count]
            target = targets[row % outputs, first : first + count]
            for k in range(directions):
                response = responses[k, first : first + count]
                plus, minus = ZERO, ZERO
                for s in range(count):
                    change = step * response[s]
                    plus += lose(loss, here[s] + change, target[s])
                    minus += lose(loss, here[s] - change, target[s])
                total[k, 0] += plus
                total[k, 1] += minus
        for k in range(directions):
            for side in range(2):
                mean = np.float32(total[k, side] / samples)
                out[row, k, side] = mean if np.isfinite(mean) else INFINITE


@kernel
def score_directions(pre, targets, responses, sigma, out):
    """Mean squared errors of the children w + sigma d and w - sigma d of every row along every direction.

    Parameters
    ----------
    pre : (rows, n)  pre-activations; row r belongs to output r % out
    targets : (out, n)
    responses : (K, n)  d x of each direction
    sigma : (rows,)
    out : (rows, K, 2)  written, plus before minus; a non-finite loss or pre-activation gives inf
    """
    score_mirrored(mse, pre, targets, responses, sigma, out)


@functools.cache
def make_score_directions(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel `score_directions` of any loss, compiled at its first call."""
    if loss is mse:
        return score_directions

    def score_directions_by(pre, targets, responses, sigma, out):
        score_mirrored(loss, pre, targets, responses, sigma, out)

    return kernel(score_directions_by)


def score_directions_reference(
    pre: np.ndarray,
    targets: np.ndarray,
    responses: np.ndarray,
    sigma: np.ndarray,
    out: np.ndarray,
    loss: Callable[..., Any] = mse_reference,
) -> None:
    """NumPy twin of `score_directions`, in float64."""
    target = targets[np.arange(len(pre)) % len(targets), None]
    for side, sign in enumerate((1, -1)):
        child = pre[:, None].astype(np.float64) + sign * sigma[:, None, None].astype(np.float64) * responses
        mean = (loss(np.tanh(child), target) + child * 0).mean(-1)
        out[:, :, side] = np.where(np.isfinite(mean), mean, np.inf)
