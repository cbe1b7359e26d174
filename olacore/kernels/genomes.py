"""Whole genomes: samples of a search distribution of low rank, and policies that each read inputs of their own."""

import numpy as np
from numba import prange

from olacore.jit.flags import kernel
from olacore.kernels.tanh import tanh32


@kernel
def shape_samples(normal, vectors, rates, out):
    """Bend standard normal samples along some vectors, one after the other: `d = (1 - c) d + c v (v . d)`.

    Parameters
    ----------
    normal : (pop, n)
    vectors : (m, n)
    rates : (m,)  c of each vector, in [0, 1]
    out : (pop, n)  written; may be `normal` itself
    """
    size = normal.shape[1]
    for p in prange(normal.shape[0]):
        for i in range(size):
            out[p, i] = normal[p, i]
        for j in range(vectors.shape[0]):
            along = np.float32(0)
            for i in range(size):
                along += vectors[j, i] * out[p, i]
            keep, add = np.float32(1) - rates[j], rates[j] * along
            for i in range(size):
                out[p, i] = keep * out[p, i] + add * vectors[j, i]


def shape_samples_reference(normal: np.ndarray, vectors: np.ndarray, rates: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `shape_samples`, in float64."""
    shaped = normal.astype(np.float64)
    for vector, rate in zip(vectors.astype(np.float64), rates.astype(np.float64), strict=True):
        shaped = (1 - rate) * shaped + rate * (shaped @ vector)[:, None] * vector
    out[:] = shaped


@kernel
def answer_each(weights, biases, inputs, out):
    """Answers of genomes that each read inputs of their own, tanh(W x + b).

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    inputs : (pop, n, in)
    out : (pop, n, out)  written
    """
    population, samples, outputs = out.shape
    for p in prange(population):
        for s in range(samples):
            for o in range(outputs):
                total = biases[p, o]
                for i in range(weights.shape[2]):
                    total += weights[p, o, i] * inputs[p, s, i]
                out[p, s, o] = tanh32(total)


def answer_each_reference(weights: np.ndarray, biases: np.ndarray, inputs: np.ndarray, out: np.ndarray) -> None:
    """NumPy twin of `answer_each`, in float64."""
    affine = np.einsum("poi,psi->pso", weights.astype(np.float64), inputs.astype(np.float64)) + biases[:, None]
    out[:] = np.tanh(affine)
