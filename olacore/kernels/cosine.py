"""One minus the cosine of the angle between prediction and target, a loss that couples all outputs of a sample.

With the weight v of each output, cos = sum(v p y) / sqrt(sum(v p p) sum(v y y)). While one output is tried the sums
over the others stand still, so a trial of a row costs O(n) here too.
"""

from math import sqrt

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.forward import ROOM, align_tile
from olacore.kernels.layout import CHUNK
from olacore.kernels.tanh import tanh32
from olacore.kernels.tile import TILE, multiply_tile

ZERO, ONE = np.float32(0), np.float32(1)
LARGEST, NOT_A_NUMBER = np.finfo(np.float32).max, np.float32(np.nan)
# The cosine with a vector of zeros is 0.
TINY = np.float32(1e-30)


@device
def cosine(prediction, target, dot, size, span):
    """The loss of one sample; dot and size are the sums over the other outputs, all three divided by this one's
    weight.
    """
    whole = dot + prediction * target
    return ONE - whole / np.float32(sqrt(max((size + prediction * prediction) * span, TINY)))


@kernel
def sum_outputs(pre, targets, shares, dots, sizes, spans):
    """The sums over outputs that `cosine` needs.

    Parameters
    ----------
    pre : (out, n)  pre-activations
    targets : (out, n)
    shares : (out,)  weight of each output, above 0
    dots, sizes, spans : (n,)  written: sums of v p y, v p p and v y y
    """
    out, n = pre.shape
    for chunk in prange((n + CHUNK - 1) // CHUNK):
        first = chunk * CHUNK
        count = min(CHUNK, n - first)
        sums = np.zeros((3, CHUNK), np.float32)
        for o in range(out):
            v = shares[o]
            for s in range(count):
                p, y = tanh32(pre[o, first + s]), targets[o, first + s]
                sums[0, s] += v * p * y
                sums[1, s] += v * p * p
                sums[2, s] += v * y * y
        for s in range(count):
            dots[first + s], sizes[first + s], spans[first + s] = sums[0, s], sums[1, s], sums[2, s]


def sum_outputs_reference(
    pre: np.ndarray, targets: np.ndarray, shares: np.ndarray, dots: np.ndarray, sizes: np.ndarray, spans: np.ndarray
) -> None:
    """NumPy twin of `sum_outputs`, in float64."""
    p, y, v = np.tanh(pre.astype(np.float64)), targets.astype(np.float64), shares[:, None].astype(np.float64)
    dots[:], sizes[:], spans[:] = (v * p * y).sum(0), (v * p * p).sum(0), (v * y * y).sum(0)


@kernel
def score_population_cosine(weights, biases, packed, targets, shares, out):
    """Mean cosine loss of every genome on one block.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    packed : (chunks, in, CHUNK)
    targets : (out, n)
    shares : (out,)  weight of each output, above 0
    out : (pop, out)  written: every row has the loss of its genome; inf if a pre-activation or the loss is not finite
    """
    population, outputs, _ = weights.shape
    samples, chunks = targets.shape[1], packed.shape[0]
    partial = np.empty((chunks, population), np.float32)
    for job in prange(chunks * population):
        chunk, p = job // population, job % population
        first = chunk * CHUNK
        count = min(CHUNK, samples - first)
        sums = align_tile(np.empty(ROOM, np.float32))
        dot, size, span = np.zeros(CHUNK, np.float32), np.zeros(CHUNK, np.float32), np.zeros(CHUNK, np.float32)
        for o in range(0, outputs, TILE):
            multiply_tile(weights[p], biases[p], o, packed[chunk], CHUNK, o == 0, sums)
            for t in range(min(TILE, outputs - o)):
                v = shares[o + t]
                for s in range(count):
                    y = targets[o + t, first + s]
                    value = tanh32(sums[t, s]) if abs(sums[t, s]) <= LARGEST else NOT_A_NUMBER
                    dot[s] += v * value * y
                    size[s] += v * value * value
                    span[s] += v * y * y
        total = ZERO
        for s in range(count):
            total += cosine(ZERO, ZERO, dot[s], size[s], span[s])
        partial[chunk, p] = total
    for p in prange(population):
        whole = 0.0
        for chunk in range(chunks):
            whole += partial[chunk, p]
        mean = np.float32(whole / samples)
        for o in range(outputs):
            out[p, o] = mean if np.isfinite(mean) else np.float32(np.inf)


def score_population_cosine_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    packed: np.ndarray,
    targets: np.ndarray,
    shares: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `score_population_cosine`, in float64."""
    x = packed.swapaxes(1, 2).reshape(-1, packed.shape[1])[: targets.shape[1]].astype(np.float64)
    pre = weights.astype(np.float64) @ x.T + biases[..., None]
    p, y, v = np.tanh(pre) + pre * 0, targets.astype(np.float64), shares[:, None].astype(np.float64)
    whole = np.sqrt(np.maximum((v * p * p).sum(1) * (v * y * y).sum(0), float(TINY)))
    mean = (1 - (v * p * y).sum(1) / whole).mean(-1)
    out[:] = np.where(np.isfinite(mean), mean, np.inf)[:, None]
