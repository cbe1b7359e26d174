"""Stacks: tanh-affine maps of which each reads the inputs and what all maps before it answered.

A packed block with room for more rows holds both, so that the next map's product reads them as one.
"""

from collections.abc import Iterable

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.forward import JOB, ROOM, align_tile
from olacore.kernels.layout import CHUNK, empty_packed
from olacore.kernels.tanh import tanh32
from olacore.kernels.tile import LANES, TILE, multiply_tile

ZERO = np.float32(0)


@device
def answer_chunk(weights, biases, count, x, answers):
    """Write tanh(W x + b) of the first `count` samples of a chunk, then zeros; x (in, CHUNK), answers (out, CHUNK)."""
    outputs = weights.shape[0]
    sums = align_tile(np.empty(ROOM, np.float32))
    for o in range(0, outputs, TILE):
        multiply_tile(weights, biases, o, x, CHUNK, o == 0, sums)
        for t in range(min(TILE, outputs - o)):
            # The whole chunk, so that a sample's bits do not depend on its place in a vector loop.
            for s in range(CHUNK):
                answers[o + t, s] = tanh32(sums[t, s])
            for s in range(count, CHUNK):
                answers[o + t, s] = ZERO


@kernel
def append_layer(weights, biases, samples, packed):
    """Write the answers of a map behind the rows of a packed block that it reads.

    Parameters
    ----------
    weights : (out, in)
    biases : (out,)
    samples : n
    packed : (chunks, rows, CHUNK), rows at least in + out; of each chunk the first `in` rows are read and the next
    `out` written, zero past the last sample
    """
    outputs, inputs = weights.shape
    for chunk in prange(packed.shape[0]):
        count = min(CHUNK, samples - chunk * CHUNK)
        answer_chunk(weights, biases, count, packed[chunk, :inputs], packed[chunk, inputs : inputs + outputs])


def append_layer_reference(weights: np.ndarray, biases: np.ndarray, samples: int, packed: np.ndarray) -> None:
    """NumPy twin of `append_layer`, in float64."""
    outputs, inputs = weights.shape
    sums = np.einsum("oi,cis->cos", weights.astype(np.float64), packed[:, :inputs].astype(np.float64))
    packed[:, inputs : inputs + outputs] = np.tanh(sums + biases[:, None])
    past = np.arange(packed.shape[0] * CHUNK).reshape(-1, 1, CHUNK) >= samples
    packed[:, inputs : inputs + outputs] *= ~past


@kernel
def append_few(weights, biases, values):
    """Write the answers of a map to LANES samples or fewer behind the rows that it reads.

    A chunk is mostly empty then, and its rows lie so far apart that they push each other out of the caches.

    Parameters
    ----------
    weights : (out, in)
    biases : (out,)
    values : (rows, LANES), rows at least in + out; the first `in` are read and the next `out` written
    """
    outputs, inputs = weights.shape
    for job in prange((outputs + JOB - 1) // JOB):
        sums = align_tile(np.empty(ROOM, np.float32))
        for first in range(job * JOB, min(job * JOB + JOB, outputs), TILE):
            multiply_tile(weights, biases, first, values, LANES, False, sums)
            for t in range(min(TILE, outputs - first)):
                for s in range(LANES):
                    values[inputs + first + t, s] = tanh32(sums[t, s])


def append_few_reference(weights: np.ndarray, biases: np.ndarray, values: np.ndarray) -> None:
    """NumPy twin of `append_few`, in float64."""
    outputs, inputs = weights.shape
    sums = weights.astype(np.float64) @ values[:inputs].astype(np.float64)
    values[inputs : inputs + outputs] = np.tanh(sums + biases[:, None])


def read_through(layers: Iterable[tuple[np.ndarray, np.ndarray]], packed: np.ndarray, samples: int) -> np.ndarray:
    """Return packed inputs with the answers of hidden maps behind them; the inputs themselves where there are none.

    Parameters
    ----------
    layers : weights and biases of each
    packed : (chunks, in, CHUNK)
    samples : n
    """
    layers = list(layers)
    if not layers:
        return packed
    inputs = packed.shape[1]
    out = empty_packed(samples, inputs + sum(len(biases) for _, biases in layers))
    out[:, :inputs] = packed
    for weights, biases in layers:
        append_layer(weights, biases, samples, out)
    return out
