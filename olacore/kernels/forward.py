"""Affine maps and tanh-affine maps of many rows on one packed block.

The vector registers hold samples. A tile of TILE rows meets a chunk's samples, see `tile.py`; its sums stay in the
first-level cache, where tanh finds them.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.layout import CHUNK
from olacore.kernels.tanh import tanh32
from olacore.kernels.tile import TILE, multiply_tile

# Bytes of a cache line, and the room for one tile of sums that starts on one.
LINE = 64
ROOM = TILE * CHUNK + LINE // 4
# Rows of one job: enough to reuse the chunk's inputs, few enough to share one chunk among threads.
JOB = 48


@device
def align_tile(room):
    """The (TILE, CHUNK) part of ROOM float32 that starts on a cache line; unaligned sums cost a third of the speed."""
    start = -room.ctypes.data % LINE // 4
    return room[start : start + TILE * CHUNK].reshape(TILE, CHUNK)


@kernel
def multiply_packed(weights, biases, packed, out):
    """Pre-activations of many rows, W x + b.

    Parameters
    ----------
    weights : (rows, in)
    biases : (rows,)
    packed : (chunks, in, CHUNK)
    out : (rows, n)  written
    """
    rows, samples = out.shape
    jobs = (rows + JOB - 1) // JOB
    for job in prange(packed.shape[0] * jobs):
        chunk, start = job // jobs, job % jobs * JOB
        sample = chunk * CHUNK
        count = min(CHUNK, samples - sample)
        sums = align_tile(np.empty(ROOM, np.float32))
        for first in range(start, min(start + JOB, rows), TILE):
            # Sums of whole tiles and chunks are written to their place at once.
            whole = count == CHUNK and first + TILE <= rows
            target = out[first : first + TILE, sample : sample + CHUNK] if whole else sums
            multiply_tile(weights, biases, first, packed[chunk], CHUNK, first == start, target)
            for t in range(0 if whole else min(TILE, rows - first)):
                for s in range(count):
                    out[first + t, sample + s] = sums[t, s]


def multiply_packed_reference(weights: np.ndarray, biases: np.ndarray, packed: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `multiply_packed`, in float64."""
    x = packed.swapaxes(1, 2).reshape(-1, packed.shape[1])[: out.shape[1]].astype(np.float64)
    out[:] = weights.astype(np.float64) @ x.T + biases[:, None]


@kernel
def forward_population(weights, biases, packed, out):
    """Predictions of every genome, tanh(W x + b).

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    packed : (chunks, in, CHUNK)
    out : (pop, out, n)  written
    """
    population, outputs, samples = out.shape
    rows = population * outputs
    flat_weights = weights.reshape(rows, weights.shape[2])
    flat_biases = biases.reshape(rows)
    flat_out = out.reshape(rows, samples)
    jobs = (rows + JOB - 1) // JOB
    for job in prange(packed.shape[0] * jobs):
        chunk, start = job // jobs, job % jobs * JOB
        sample = chunk * CHUNK
        count = min(CHUNK, samples - sample)
        sums = align_tile(np.empty(ROOM, np.float32))
        for first in range(start, min(start + JOB, rows), TILE):
            multiply_tile(flat_weights, flat_biases, first, packed[chunk], CHUNK, first == start, sums)
            for t in range(min(TILE, rows - first)):
                # The whole chunk, so that a sample's bits do not depend on its place in a vector loop.
                for s in range(CHUNK):
                    sums[t, s] = tanh32(sums[t, s])
                for s in range(count):
                    flat_out[first + t, sample + s] = sums[t, s]


def forward_population_reference(weights: np.ndarray, biases: np.ndarray, packed: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `forward_population`, in float64."""
    x = packed.swapaxes(1, 2).reshape(-1, packed.shape[1])[: out.shape[2]].astype(np.float64)
    out[:] = np.tanh(weights.astype(np.float64) @ x.T + biases[..., None])
