"""Samples that lie far out, where single ones would decide about a stack: inputs with heavy tails have them.

They count less in its losses, or the slope far out would be that of the one sample which is farthest. And some of the
first units are born at them: random units are level or straight there.
"""

from __future__ import annotations

import numpy as np

from olacore.blocks import Block

# Squared length of standardised inputs beyond which a sample counts less: so many times the usual one, or this where
# inputs are so few that normal ones come that far; and how many times as far out units are born.
FAR, LEAST, BIRTHPLACE = 4.0, 10.0, 2.0
# Share of the first units that are born there at most, and their pre-activation at their sample and at the mean.
BORN, AT_SAMPLE, AT_MEAN = 0.5, 1.0, -1.0


def limit(inputs: int) -> np.float32:
    """Return the squared length beyond which a sample of so many standardised inputs lies far out."""
    return np.float32(max(FAR * inputs, LEAST))


def roots_of_far(block: Block) -> np.ndarray:
    """Return the square roots (n,) of what the samples of a block count: 1, and less for those that lie far out."""
    squares = np.einsum("cik,cik->ck", block.inputs, block.inputs).reshape(-1)[: block.rows]
    usual = limit(block.inputs.shape[1])
    return np.sqrt(usual / np.maximum(squares, usual))


def birthplaces(sample: np.ndarray, units: int) -> np.ndarray:
    """Return those samples (m, in) that are farthest out, at most so many, of standardised inputs (n, in)."""
    squares = np.square(sample, dtype=np.float64).sum(1)
    farthest = np.argsort(-squares, kind="stable")[:units]
    return sample[farthest[squares[farthest] > BIRTHPLACE * limit(sample.shape[1])]].copy()


def units_at(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights (m, in) and biases (m,) of units that are born at samples."""
    lengths = np.square(places, dtype=np.float64).sum(1, keepdims=True)
    return ((AT_SAMPLE - AT_MEAN) / lengths * places).astype(np.float32), np.full(len(places), AT_MEAN, np.float32)
