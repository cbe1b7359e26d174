"""Fused loss of a population: product, tanh and loss of one tile of rows at a time; predictions are never stored.

A loss is a function of (prediction, target), two float32, that gives a float32. A user's own is an `njit` function.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.forward import JOB, ROOM, align_tile
from olacore.kernels.layout import CHUNK
from olacore.kernels.tanh import tanh32
from olacore.kernels.tile import TILE, multiply_tile

ZERO, HALF, INFINITE = np.float32(0), np.float32(0.5), np.float32(np.inf)
LARGEST, NOT_A_NUMBER = np.finfo(np.float32).max, np.float32(np.nan)


@device
def mse(prediction, target):
    """Squared error.

    Parameters
    ----------
    prediction, target : numbers
    """
    error = prediction - target
    return error * error


@device
def mae(prediction, target):
    """Absolute error.

    Parameters
    ----------
    prediction, target : numbers
    """
    return abs(prediction - target)


@functools.cache
def make_huber(delta: float = 1.0) -> Callable[..., Any]:
    """The Huber loss: half the squared error up to `delta`, linear beyond it.

    Parameters
    ----------
    delta : where it becomes linear, above 0, in the units of the targets
    """
    edge = np.float32(delta)

    @device
    def huber(prediction, target):
        error = abs(prediction - target)
        return HALF * error * error if error <= edge else edge * (error - HALF * edge)

    return huber


huber = make_huber()


@device
def lose(loss, pre, target):
    """Loss of one pre-activation; NaN where it is not finite, which tanh would hide."""
    value = loss(tanh32(pre), target)
    return value if abs(pre) <= LARGEST else NOT_A_NUMBER


@device
def score_rows(loss, weights, biases, packed, targets, out):
    """What every `score_population` does; inlined, so that each is compiled for its loss and kept on disk."""
    population, outputs, inputs = weights.shape
    samples = targets.shape[1]
    rows = population * outputs
    flat_weights = weights.reshape(rows, inputs)
    flat_biases = biases.reshape(rows)
    flat_out = out.reshape(rows)
    chunks = packed.shape[0]
    jobs = (rows + JOB - 1) // JOB
    partial = np.empty((chunks, rows), np.float32)
    for job in prange(chunks * jobs):
        chunk, start = job // jobs, job % jobs * JOB
        count = min(CHUNK, samples - chunk * CHUNK)
        sums = align_tile(np.empty(ROOM, np.float32))
        for first in range(start, min(start + JOB, rows), TILE):
            multiply_tile(flat_weights, flat_biases, first, packed[chunk], CHUNK, first == start, sums)
            for t in range(min(TILE, rows - first)):
                line = sums[t]
                target = targets[(first + t) % outputs, chunk * CHUNK : chunk * CHUNK + count]
                total = ZERO
                for s in range(count):
                    total += lose(loss, line[s], target[s])
                partial[chunk, first + t] = total
    for row in prange(rows):
        whole = 0.0
        for chunk in range(chunks):
            whole += partial[chunk, row]
        mean = np.float32(whole / samples)
        flat_out[row] = mean if np.isfinite(mean) else INFINITE


@kernel
def score_population(weights, biases, packed, targets, out):
    """Mean squared error of every genome and row on one block.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    packed : (chunks, in, CHUNK)
    targets : (out, n)
    out : (pop, out)  written; a row with a non-finite pre-activation or loss becomes inf
    """
    score_rows(mse, weights, biases, packed, targets, out)


@kernel
def score_population_mae(weights, biases, packed, targets, out):
    """Mean absolute error; arrays as in `score_population`."""
    score_rows(mae, weights, biases, packed, targets, out)


@kernel
def score_population_huber(weights, biases, packed, targets, out):
    """Mean Huber loss with delta 1; arrays as in `score_population`."""
    score_rows(huber, weights, biases, packed, targets, out)


LOSSES = {"mse": mse, "mae": mae, "huber": huber}
_KERNELS = {mse: score_population, mae: score_population_mae, huber: score_population_huber}


@functools.cache
def make_score_population(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel `score_population` of any loss, compiled at its first call."""
    if loss in _KERNELS:
        return _KERNELS[loss]

    def score_population_by(weights, biases, packed, targets, out):
        score_rows(loss, weights, biases, packed, targets, out)

    return kernel(score_population_by)


def mse_reference(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """NumPy twin of `mse`."""
    return (prediction - target) ** 2


def mae_reference(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """NumPy twin of `mae`."""
    return np.abs(prediction - target)


def huber_reference(prediction: np.ndarray, target: np.ndarray, delta: float = 1.0) -> np.ndarray:
    """NumPy twin of `make_huber(delta)`."""
    error = np.abs(prediction - target)
    return np.where(error <= delta, error**2 / 2, delta * (error - delta / 2))


def score_population_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    packed: np.ndarray,
    targets: np.ndarray,
    out: np.ndarray,
    loss: Callable[..., Any] = mse_reference,
) -> None:
    """NumPy twin of `score_population`, in float64."""
    x = packed.swapaxes(1, 2).reshape(-1, packed.shape[1])[: targets.shape[1]].astype(np.float64)
    sums = weights.astype(np.float64) @ x.T + biases[..., None]
    mean = (loss(np.tanh(sums), targets) + sums * 0).mean(-1)
    out[:] = np.where(np.isfinite(mean), mean, np.inf)
