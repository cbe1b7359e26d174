"""Affine maps and tanh-affine maps of many rows on one packed block.

The vector registers hold samples. A tile of TILE rows takes four inputs at a time: each pass over the chunk's samples
reads four inputs, does 16 multiply-adds and updates TILE sums that stay in the first-level cache.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.layout import CHUNK
from olacore.kernels.prefetch import prefetch_line
from olacore.kernels.tanh import tanh32

TILE = 4
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


@device
def multiply_tile(weights, biases, first, x, fetch, sums):
    """Pre-activations of rows `first` to `first + 3` on one chunk; rows past the end repeat the last one.

    weights (rows, in), biases (rows,), x (in, CHUNK), sums (TILE, CHUNK) written; `fetch` asks for x ahead of its use.
    """
    last = weights.shape[0] - 1
    inputs = weights.shape[1]
    a, b, c, d = first, min(first + 1, last), min(first + 2, last), min(first + 3, last)
    sum_a, sum_b, sum_c, sum_d = sums[0], sums[1], sums[2], sums[3]
    for s in range(CHUNK):
        sum_a[s] = biases[a]
        sum_b[s] = biases[b]
        sum_c[s] = biases[c]
        sum_d[s] = biases[d]
    for i in range(0, inputs - 3, 4):
        a0, a1, a2, a3 = weights[a, i], weights[a, i + 1], weights[a, i + 2], weights[a, i + 3]
        b0, b1, b2, b3 = weights[b, i], weights[b, i + 1], weights[b, i + 2], weights[b, i + 3]
        c0, c1, c2, c3 = weights[c, i], weights[c, i + 1], weights[c, i + 2], weights[c, i + 3]
        d0, d1, d2, d3 = weights[d, i], weights[d, i + 1], weights[d, i + 2], weights[d, i + 3]
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        if fetch:
            for element in range((i + 8) * CHUNK, (i + 12) * CHUNK, LINE // 4):
                prefetch_line(x, element)
        for s in range(CHUNK):
            # Read before anything is written: LLVM would read each input again for every row.
            v0, v1, v2, v3 = x0[s], x1[s], x2[s], x3[s]
            new_a = sum_a[s] + a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3
            new_b = sum_b[s] + b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3
            new_c = sum_c[s] + c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3
            new_d = sum_d[s] + d0 * v0 + d1 * v1 + d2 * v2 + d3 * v3
            sum_a[s], sum_b[s], sum_c[s], sum_d[s] = new_a, new_b, new_c, new_d
    for i in range(inputs - inputs % 4, inputs):
        wa, wb, wc, wd = weights[a, i], weights[b, i], weights[c, i], weights[d, i]
        xi = x[i]
        for s in range(CHUNK):
            v = xi[s]
            new_a, new_b = sum_a[s] + wa * v, sum_b[s] + wb * v
            new_c, new_d = sum_c[s] + wc * v, sum_d[s] + wd * v
            sum_a[s], sum_b[s], sum_c[s], sum_d[s] = new_a, new_b, new_c, new_d


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
            multiply_tile(weights, biases, first, packed[chunk], first == start, sums)
            for t in range(min(TILE, rows - first)):
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
            multiply_tile(flat_weights, flat_biases, first, packed[chunk], first == start, sums)
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
