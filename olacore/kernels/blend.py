"""The weighted mean of a population, row by row."""

import numba
import numpy as np

from olacore.jit.flags import kernel


@kernel
def blend_rows(
    weights: np.ndarray,
    biases: np.ndarray,
    shares: np.ndarray,
    out_weights: np.ndarray,
    out_biases: np.ndarray,
) -> None:
    """Mix row o of all genomes in the proportions `shares[:, o]`.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    shares : (pop, out)  not negative, columns add to 1; a genome with share 0 does not take part, whatever its
    weights hold
    out_weights : (out, in)  written
    out_biases : (out,)  written
    """
    population, out, _ = weights.shape
    for o in numba.prange(out):
        out_weights[o, :] = np.float32(0)
        out_biases[o] = np.float32(0)
        for p in range(population):
            share = shares[p, o]
            if share > np.float32(0):
                row = weights[p, o]
                for i in range(row.shape[0]):
                    out_weights[o, i] += share * row[i]
                out_biases[o] += share * biases[p, o]


def blend_rows_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    shares: np.ndarray,
    out_weights: np.ndarray,
    out_biases: np.ndarray,
) -> None:
    """NumPy twin of `blend_rows`."""
    taking_part = shares > 0
    out_weights[...] = (np.where(taking_part[:, :, None], weights, 0) * shares[:, :, None]).sum(0)
    out_biases[...] = (np.where(taking_part, biases, 0) * shares).sum(0)
