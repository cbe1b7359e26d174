"""Least squares and the mean: what needs no search, for orientation."""

from __future__ import annotations

import numpy as np

from bench.peers.method import Method, Weights
from bench.peers.problems import Problem, Split
from olacore.blocks import Block
from olacore.quality.baselines import Baselines, fit_baselines
from olacore.views import Scaling

# Chunks whose products are summed, or whose predictions are measured, at once.
PART = 64
TINY = 1e-6


class Mean(Method):
    """Predict the training targets' mean."""

    closed_form = True

    def advance(self) -> None:
        """Average the targets."""
        mean = self.problem.train.targets.mean(1, dtype=np.float64)
        self.biases = np.arctanh(np.clip(mean, -1 + TINY, 1 - TINY)).astype(np.float32)

    def weights(self) -> Weights:
        """Weights of zero; the bias answers the mean."""
        return np.zeros((self.problem.outputs, self.problem.inputs), np.float32), self.biases


class LeastSquares(Method):
    """The best of several fits, to y or to atanh(y) with ridges, chosen on validation rows; see `quality.baselines`."""

    closed_form = True
    baselines: Baselines

    def advance(self) -> None:
        """Fit to all training rows."""
        train = self.problem.train
        blocks = (train.block(first, PART) for first in range(0, len(train.inputs), PART))
        validation = self.problem.validation.block(0, len(self.problem.validation.inputs))
        scaling = Scaling.identity(self.problem.inputs, self.problem.outputs)
        self.baselines = fit_baselines(blocks, validation, scaling)

    def weights(self) -> Weights:
        """The fit's weights, which belong to its own link."""
        return self.baselines.weights, self.baselines.biases

    def measure(self, split: Split) -> float:
        """Mean loss through the fit's own link."""
        total = 0.0
        for first in range(0, len(split.inputs), PART):
            block = split.block(first, PART)
            total += float(losses_of(self.baselines.predict(block), block, self.loss).sum(dtype=np.float64))
        return total / split.targets.size

    def describe(self) -> dict[str, object]:
        """Which of the fits it is."""
        return {"link": self.baselines.link, "ridge": self.baselines.ridge}


def losses_of(predicted: np.ndarray, block: Block, loss: str) -> np.ndarray:
    """Loss of every prediction (out, n)."""
    error = np.abs(predicted - block.targets)
    if loss == "mse":
        return error**2
    return error if loss == "mae" else np.where(error <= 1, error**2 / 2, error - 0.5)


def least_squares(problem: Problem, loss: str = "mse") -> LeastSquares:
    """The closed form of a problem on standardised inputs, fitted."""
    fit = LeastSquares(problem, loss, seed=0)
    fit.advance()
    return fit
