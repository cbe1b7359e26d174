"""The metric of a wide stack's inputs, from the slopes of what it answers.

Round units fall off alike along all inputs, and know nothing of two properties together that no sample has together:
there they answer a mean of their neighbours. Along inputs that change the answers little, units should hardly fall off,
and along those that change them in one way, as several colours do that are mixed of three, a few units should do. So
distances are measured in the mean of J^T J over the samples, where J are the slopes of the answers along the inputs
("average gradient outer product", Radhakrishnan et al. 2024): two inputs are as far apart as the answers change between
them. Slopes are those of the units that there are, no derivatives of a loss.
"""

from __future__ import annotations

import numpy as np

TINY = 1e-30


def slope_moments(weights: np.ndarray, active: np.ndarray, of_units: np.ndarray, of_inputs: np.ndarray) -> np.ndarray:
    """Return the mean of J^T J over the samples, (in, in) float64.

    Parameters
    ----------
    weights : (m, in) of the units
    active : (m, n) of the units, 1 + tanh
    of_units : (out, m) what answers read of the units
    of_inputs : (out, in) what they read of the inputs
    """
    slopes = active * (2 - active)
    wide, units, inputs = (part.astype(np.float64) for part in (weights, of_units, of_inputs))
    # All sums over samples are in the moments of the units' slopes.
    together = units.T @ units
    together *= slopes @ slopes.T / np.float32(active.shape[1])
    mixed = inputs.T @ (units * slopes.mean(1, dtype=np.float64)) @ wide
    return np.asarray(wide.T @ together @ wide + mixed + mixed.T + inputs.T @ inputs)


def root_of(moments: np.ndarray, sample: np.ndarray, size: float) -> np.ndarray:
    """Return the root of a metric (in, in) float32, which leaves inputs as large as they are on average.

    Parameters
    ----------
    moments : (in, in) float64, in any scale
    sample : (n, in) inputs
    size : mean square length of an input
    """
    variances, axes = np.linalg.eigh(moments)
    root = (axes * np.sqrt(np.maximum(variances, 0))) @ axes.T
    lengths = np.square(sample @ root).sum(1).mean()
    if not lengths > TINY:
        return np.eye(len(moments), dtype=np.float32)
    return np.asarray(root * np.sqrt(size / lengths), np.float32)
