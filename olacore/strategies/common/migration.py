"""What islands send each other of a population of affine maps: output rows, each of which is scored alone.

A row that was found on other blocks is as good a row here, and the mean of several is better than most of them, since
what the blocks leave as noise averages out. Exact losses on one block of the receiver decide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from olacore.blocks import Block
from olacore.losses.objective import Objective
from olacore.strategies.base import State

# Weights (n, out, in) and biases (n, out) of several maps.
Maps = tuple[np.ndarray, np.ndarray]


def offers(here: Maps, migrants: Sequence[State]) -> Maps:
    """Return the maps that a row may come from: the one that is here, each that came, and the mean of all."""
    weights = np.concatenate([here[0], [sent["row_weights"] for sent in migrants]])
    biases = np.concatenate([here[1], [sent["row_biases"] for sent in migrants]])
    mean = weights.mean(0, keepdims=True, dtype=np.float64), biases.mean(0, keepdims=True, dtype=np.float64)
    return (
        np.concatenate([weights, mean[0].astype(np.float32)]),
        np.concatenate([biases, mean[1].astype(np.float32)]),
    )


def best_offers(maps: Maps, block: Block, objective: Objective, shrinkage: float) -> np.ndarray:
    """Return the number of the map that each row is best from, (out,); 0, what is here, unless another is better.

    Parameters
    ----------
    shrinkage : what a squared weight costs, in units of the loss
    """
    costs = objective.score(*maps, block.inputs, block.targets).astype(np.float64)
    costs += shrinkage * np.square(maps[0], dtype=np.float64).sum(2)
    if objective.couples:  # no row has a loss of its own
        costs[:] = costs.mean(1, keepdims=True)
    costs[~np.isfinite(costs)] = np.inf
    return costs.argmin(0)
