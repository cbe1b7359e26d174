"""Children of a population: Gaussian, sparse and rank-1 mutations, and rows recombined across genomes.

Each random number depends on (seed, generation, genome, row, element) alone; the bias is element `in` of its row. With
`sigma` negated the same numbers give the mirrored child.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.random import (
    BLOCK,
    LOW,
    USE_COLUMN,
    USE_DIRECTION,
    USE_MUTATE,
    USE_SPARSE,
    WORD,
    draw_normal,
    draw_normal_reference,
    draw_uniform,
    draw_uniform_reference,
)

ZERO = np.float32(0)


@device
def make_stream(generation, genome):
    """The random stream of one genome in one generation."""
    return (np.uint64(generation) << WORD) + (np.uint64(genome) & LOW)


@kernel
def mutate_population(weights, biases, parents, sigma, seed, generation, out_weights, out_biases):
    """Children that differ from their parents by sigma times a normal number in every element.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    parents : (children,) int64
    sigma : (children,)
    seed, generation : non-negative integers below 2^63 and 2^31
    out_weights, out_biases : (children, out, in), (children, out)  written; not the inputs
    """
    children, outputs, inputs = out_weights.shape
    for job in prange(children * outputs):
        p, o = job // outputs, job % outputs
        parent, step = parents[p], sigma[p]
        stream = make_stream(generation, p)
        block = np.empty(BLOCK, np.float32)
        for first in range(0, inputs + 1, BLOCK):
            draw_normal(np.uint64(seed), USE_MUTATE, stream, o, first, block)
            for i in range(first, min(first + BLOCK, inputs)):
                out_weights[p, o, i] = weights[parent, o, i] + step * block[i - first]
        out_biases[p, o] = biases[parent, o] + step * block[inputs % BLOCK]


def mutate_population_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    parents: np.ndarray,
    sigma: np.ndarray,
    seed: int,
    generation: int,
    out_weights: np.ndarray,
    out_biases: np.ndarray,
) -> None:
    """NumPy twin of `mutate_population`."""
    inputs = weights.shape[2]
    for p, o in np.ndindex(*out_biases.shape):
        change = draw_normal_reference(seed, int(USE_MUTATE), (generation << 32) + p, o, inputs + 1) * sigma[p]
        out_weights[p, o] = weights[parents[p], o] + change[:-1]
        out_biases[p, o] = biases[parents[p], o] + change[-1]


@kernel
def mutate_sparse(weights, biases, parents, sigma, probability, seed, generation, out_weights, out_biases):
    """Children that differ from their parents in some elements, each changed with the same probability.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    parents : (children,) int64
    sigma : (children,)
    probability : (children,)  in [0, 1]
    seed, generation : non-negative integers below 2^63 and 2^31
    out_weights, out_biases : (children, out, in), (children, out)  written; not the inputs
    """
    children, outputs, inputs = out_weights.shape
    for job in prange(children * outputs):
        p, o = job // outputs, job % outputs
        parent, step, chance = parents[p], sigma[p], probability[p]
        stream = make_stream(generation, p)
        block, coin = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
        for first in range(0, inputs + 1, BLOCK):
            draw_normal(np.uint64(seed), USE_MUTATE, stream, o, first, block)
            draw_uniform(np.uint64(seed), USE_SPARSE, stream, o, first, coin)
            for i in range(BLOCK):
                block[i] = step * block[i] if coin[i] < chance else ZERO
            for i in range(first, min(first + BLOCK, inputs)):
                out_weights[p, o, i] = weights[parent, o, i] + block[i - first]
        out_biases[p, o] = biases[parent, o] + block[inputs % BLOCK]


def mutate_sparse_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    parents: np.ndarray,
    sigma: np.ndarray,
    probability: np.ndarray,
    seed: int,
    generation: int,
    out_weights: np.ndarray,
    out_biases: np.ndarray,
) -> None:
    """NumPy twin of `mutate_sparse`."""
    inputs = weights.shape[2]
    for p, o in np.ndindex(*out_biases.shape):
        stream = (generation << 32) + p
        change = draw_normal_reference(seed, int(USE_MUTATE), stream, o, inputs + 1) * sigma[p]
        change *= draw_uniform_reference(seed, int(USE_SPARSE), stream, o, inputs + 1) < probability[p]
        out_weights[p, o] = weights[parents[p], o] + change[:-1]
        out_biases[p, o] = biases[parents[p], o] + change[-1]


@kernel
def mutate_rank1(weights, biases, parents, sigma, seed, generation, out_weights, out_biases):
    """Children that differ from their parents by sigma times an outer product of two normal vectors.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    parents : (children,) int64
    sigma : (children,)
    seed, generation : non-negative integers below 2^63 and 2^31
    out_weights, out_biases : (children, out, in), (children, out)  written; not the inputs
    """
    children, outputs, inputs = out_weights.shape
    for p in prange(children):
        parent, step = parents[p], sigma[p]
        stream = make_stream(generation, p)
        block, column = np.empty(BLOCK, np.float32), np.empty(outputs + BLOCK, np.float32)
        for first in range(0, outputs, BLOCK):
            draw_normal(np.uint64(seed), USE_COLUMN, stream, 0, first, column[first : first + BLOCK])
        for first in range(0, inputs + 1, BLOCK):
            draw_normal(np.uint64(seed), USE_DIRECTION, stream, 0, first, block)
            for o in range(outputs):
                share = step * column[o]
                for i in range(first, min(first + BLOCK, inputs)):
                    out_weights[p, o, i] = weights[parent, o, i] + share * block[i - first]
        for o in range(outputs):
            out_biases[p, o] = biases[parent, o] + step * column[o] * block[inputs % BLOCK]


def mutate_rank1_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    parents: np.ndarray,
    sigma: np.ndarray,
    seed: int,
    generation: int,
    out_weights: np.ndarray,
    out_biases: np.ndarray,
) -> None:
    """NumPy twin of `mutate_rank1`."""
    outputs, inputs = weights.shape[1:]
    for p in range(len(parents)):
        stream = (generation << 32) + p
        column = draw_normal_reference(seed, int(USE_COLUMN), stream, 0, outputs)
        direction = draw_normal_reference(seed, int(USE_DIRECTION), stream, 0, inputs + 1)
        change = sigma[p] * np.outer(column, direction)
        out_weights[p] = weights[parents[p]] + change[:, :-1]
        out_biases[p] = biases[parents[p]] + change[:, -1]


@kernel
def recombine_rows(weights, biases, source, out_weights, out_biases):
    """Genomes made of rows of several genomes.

    Parameters
    ----------
    weights : (pop, out, in)
    biases : (pop, out)
    source : (children, out) int64  the genome that gives this row
    out_weights, out_biases : (children, out, in), (children, out)  written; not the inputs
    """
    children, outputs, inputs = out_weights.shape
    for job in prange(children * outputs):
        p, o = job // outputs, job % outputs
        parent = source[p, o]
        for i in range(inputs):
            out_weights[p, o, i] = weights[parent, o, i]
        out_biases[p, o] = biases[parent, o]


def recombine_rows_reference(
    weights: np.ndarray,
    biases: np.ndarray,
    source: np.ndarray,
    out_weights: np.ndarray,
    out_biases: np.ndarray,
) -> None:
    """NumPy twin of `recombine_rows`."""
    rows = np.arange(weights.shape[1])
    out_weights[:] = weights[source, rows]
    out_biases[:] = biases[source, rows]
