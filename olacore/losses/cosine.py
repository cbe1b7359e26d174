"""One minus the cosine of the angle between the outputs of a sample, seen as one vector, and its targets."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from olacore.kernels.cosine import TINY, score_population_cosine, sum_outputs
from olacore.kernels.row_steps import step_rows_cosine
from olacore.losses.base import LOSSES, Loss


class Cosine(Loss):
    """It couples all outputs of a sample."""

    name = "cosine"
    couples: ClassVar[bool] = True

    def score(self, weights, biases, packed, targets, shares, out) -> None:
        """Every row has the loss of its genome."""
        score_population_cosine(weights, biases, packed, targets, shares, out)

    def step(self, pre, targets, responses, bent, reach, pull, gram, shares, before, steps) -> None:
        """Step each row while the others stand still."""
        sums = np.empty((3, pre.shape[1]), np.float32)
        sum_outputs(pre, targets, shares, *sums)
        step_rows_cosine(pre, targets, shares, *sums, responses, bent, reach, pull, gram, before, steps)

    def measure(self, answers: np.ndarray, targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """The same number for every output."""
        p, y, v = answers.astype(np.float64), targets.astype(np.float64), shares[:, None].astype(np.float64)
        size = np.sqrt(np.maximum((v * p * p).sum(0) * (v * y * y).sum(0), float(TINY)))
        return np.full(len(p), (1 - (v * p * y).sum(0) / size).mean())


LOSSES.add(Cosine())
