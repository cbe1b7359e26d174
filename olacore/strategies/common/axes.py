"""What strategies share: reproducible random numbers, and directions of search along the inputs' principal axes."""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread

# Axes that are rotated together.
GROUP = 32
# Directions scale with the variance of the inputs along them to this power: between their own spread and whitened.
POWER = -0.3
# Rows that the axes are found from, and the share of the largest variance that smaller ones are raised to.
SAMPLE_ROWS, FLOOR = 16_384, 1e-6
TINY = 1e-30


def random_numbers(seed: int, number: int, use: int) -> np.random.Generator:
    """Return random numbers that depend on nothing else."""
    return np.random.Generator(np.random.Philox(key=[seed, number], counter=[0, 0, 0, use]))


def take_axes(axes: np.ndarray, count: int, seed: int, number: int, sorted_first: bool = False) -> np.ndarray:
    """Return the next `count` of the axes (in, in), rotated at random in small groups.

    A turn of successive numbers goes through all axes once, in a random order; the first turn in their own order if
    `sorted_first`.
    """
    inputs = len(axes)
    count = min(count, inputs)
    turn, part = divmod(number, -(-inputs // count))
    in_order = sorted_first and turn == 0
    order = np.arange(inputs) if in_order else random_numbers(seed, turn, 0).permutation(inputs)
    chosen = axes[order[part * count : (part + 1) * count]]
    draw = random_numbers(seed, number, 1)
    with one_blas_thread():
        for first in range(0, len(chosen), GROUP):
            group = chosen[first : first + GROUP]
            rotation = np.linalg.qr(draw.standard_normal((len(group), len(group))))[0]
            chosen[first : first + GROUP] = rotation.astype(np.float32) @ group
    return chosen


def response_axes(sample: np.ndarray) -> np.ndarray:
    """Return the principal axes of `sample` (n, in) as rows, the largest variance first, each times its variance to
    `POWER`, and all so that the mean square of the responses to them is 1.
    """
    few = sample[:SAMPLE_ROWS].astype(np.float64)
    with one_blas_thread():
        variance, vectors = np.linalg.eigh(few.T @ few / len(few))
    variance = np.maximum(variance, FLOOR * max(variance[-1], TINY))[::-1]
    share = variance**POWER
    axes = vectors.T[::-1] * share[:, None] / np.sqrt((share**2 * variance).mean())
    return np.ascontiguousarray(axes, np.float32)
