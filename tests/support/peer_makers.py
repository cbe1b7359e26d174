"""Small problems that the tests of the comparison share."""

import numpy as np

from bench.peers.problems import Problem, Split
from olacore.kernels.layout import empty_packed, pack_rows_reference


def make_split(x: np.ndarray, y: np.ndarray) -> Split:
    packed = empty_packed(*x.shape)
    pack_rows_reference(x.astype(np.float32), packed)
    return Split(packed, np.ascontiguousarray(y.T, np.float32))


def make_problem(inputs: int = 5, outputs: int = 3, rows: int = 1200, noise: float = 0.05, seed: int = 0) -> Problem:
    """Rows that a tanh-affine map of correlated inputs explains up to noise."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    truth = rng.normal(0, 0.7, (inputs, outputs))

    def split(count: int) -> Split:
        x = rng.normal(size=(count, inputs)) @ mix
        return make_split(x, np.tanh(x @ truth + 0.2) + rng.normal(0, noise, (count, outputs)))

    train = split(rows)
    sample = train.inputs.swapaxes(1, 2).reshape(-1, inputs)[:rows].copy()
    return Problem("decoder-36-192", "0" * 8, train, split(300), split(300), sample)
