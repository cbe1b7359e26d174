"""The block layout that kernels read: the samples of one input side by side, so that a vector register holds samples.

Packed inputs are (chunks, in, CHUNK); what lies past the last sample is zero. Targets, pre-activations and
predictions are (out, n).
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel

# Samples that lie side by side. The in x CHUNK inputs of a chunk stay in the second-level cache while rows pass.
CHUNK = 256
# Samples transposed at once: each write fills a cache line.
LANES = 16
GROUPS = CHUNK // LANES
ZERO = np.float32(0)


def empty_packed(samples: int, inputs: int) -> np.ndarray:
    """An uninitialised packed array, aligned to 64 bytes so that no vector load straddles two cache lines.

    Parameters
    ----------
    samples : n, how many there will be
    inputs : numbers of each

    Returns
    -------
    (chunks, inputs, CHUNK) float32; the last chunk may be longer than its samples
    """
    shape = (-(-samples // CHUNK), inputs, CHUNK)
    room = np.empty(shape[0] * inputs * CHUNK + 16, np.float32)
    start = -room.ctypes.data % 64 // 4
    return room[start : start + shape[0] * inputs * CHUNK].reshape(shape)


@device
def write_lanes(rows, lanes, out, first, column):
    """Write rows (count, width) into out[first : first + width, column : column + lanes], transposed, then zeros."""
    count = rows.shape[0]
    for i in range(rows.shape[1]):
        line = out[first + i, column : column + lanes]
        for s in range(count):
            line[s] = rows[s, i]
        for s in range(count, lanes):
            line[s] = ZERO


@kernel
def pack_rows(x, out):
    """Lay plain rows out for the kernels.

    Parameters
    ----------
    x : (n, in)
    out : (chunks, in, CHUNK)  written, zero past the last sample
    """
    for group in prange(out.shape[0] * GROUPS):
        write_lanes(x[group * LANES : group * LANES + LANES], LANES, out[group // GROUPS], 0, group % GROUPS * LANES)


def pack_rows_reference(x: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `pack_rows`."""
    padded = np.zeros((out.shape[0] * CHUNK, x.shape[1]), np.float32)
    padded[: len(x)] = x
    out[:] = padded.reshape(out.shape[0], CHUNK, -1).swapaxes(1, 2)


@kernel
def unpack_rows(packed, out):
    """Give plain rows back.

    Parameters
    ----------
    packed : (chunks, in, CHUNK)
    out : (n, in)  written
    """
    samples, inputs = out.shape
    for group in prange((samples + LANES - 1) // LANES):
        first = group * LANES
        column = group % GROUPS * LANES
        for i in range(inputs):
            line = packed[group // GROUPS, i, column : column + LANES]
            for s in range(min(LANES, samples - first)):
                out[first + s, i] = line[s]


def unpack_rows_reference(packed: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `unpack_rows`."""
    out[:] = packed.swapaxes(1, 2).reshape(-1, packed.shape[1])[: len(out)]
