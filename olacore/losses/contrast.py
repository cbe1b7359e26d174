"""The squared error of patches of pixels, which counts the more, the flatter the patch is.

A patch has the weight 1 / (contrast + half the mean contrast), its contrast being the variance of each colour over its
pixels. Structural similarity divides a window's error by its contrast in the same way (Wang et al. 2004,
doi:10.1109/TIP.2003.819861).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from olacore.kernels.forward import forward_population
from olacore.losses.base import LOSSES, Loss
from olacore.losses.elementwise import MSE

# Colours of a pixel; outputs that are pixels come as (row, column, colour).
COLOURS = 3
TINY = 1e-12


class Contrast(Loss):
    """For strategies that weigh samples."""

    name = "contrast"
    pixels: ClassVar[bool] = True
    weighs_samples: ClassVar[bool] = True

    def score(self, weights, biases, packed, targets, shares, out) -> None:
        """Score answers that are held in memory."""
        answers = np.empty((*biases.shape, targets.shape[1]), np.float32)
        forward_population(weights, biases, packed, answers)
        out[...] = np.square((answers - targets) * self.roots(targets)).mean(-1)

    def step(self, pre, targets, responses, bent, reach, pull, gram, shares, before, steps) -> None:
        """Step rows by the plain squared error: strategies that weigh samples have steps of their own."""
        MSE.step(pre, targets, responses, bent, reach, pull, gram, shares, before, steps)

    def measure(self, answers: np.ndarray, targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Mean over weighted samples."""
        return np.square((answers - targets) * self.roots(targets)).mean(-1, dtype=np.float64)

    def roots(self, targets: np.ndarray) -> np.ndarray:
        """Square roots of the weights of patches."""
        contrast = targets.reshape(-1, COLOURS, targets.shape[1]).var(0, dtype=np.float64).mean(0)
        weights = 1 / (contrast + 0.5 * contrast.mean() + TINY)
        return np.sqrt(weights / weights.mean()).astype(np.float32)


LOSSES.add(Contrast())
