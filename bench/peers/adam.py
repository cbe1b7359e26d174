"""Backprop for orientation: one tanh-affine layer by Adam, in NumPy, on mse, mae or Huber loss.

Adam is that of Kingma and Ba 2015, arXiv:1412.6980, with its published beta 0.9, 0.999 and epsilon 1e-8. The learning
rate falls to zero along half a cosine (Loshchilov and Hutter 2017, arXiv:1608.03983), or stays constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi

import numpy as np

from bench.peers.method import Method, Weights
from bench.peers.problems import Problem
from olacore.blocks import Block
from olacore.errors import ConfigError
from olacore.kernels.layout import CHUNK

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Rule:
    """Adam's update of an array of that shape."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.first, self.second = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.step = 0

    def move(self, slope: np.ndarray, rate: float) -> np.ndarray:
        """Return what to subtract, for a slope of the array's shape."""
        self.step += 1
        self.first += (1 - BETA1) * (slope - self.first)
        self.second += (1 - BETA2) * (slope * slope - self.second)
        spread = np.sqrt(self.second / (1 - BETA2**self.step))
        spread += EPSILON
        return rate / (1 - BETA1**self.step) * self.first / spread


class Adam(Method):
    """Minibatch Adam from zero weights.

    Parameters
    ----------
    problem : on standardised or whitened inputs
    loss : "mse", "mae" or "huber"
    rate : learning rate of the first step
    batch : rows of a step, in whole chunks
    passes : over the training rows after which the rate has fallen to zero; 0 keeps it constant
    shrinkage : what a squared weight on standardised inputs costs

    Raises
    ------
    ConfigError  if it has no such loss
    """

    def __init__(
        self,
        problem: Problem,
        loss: str,
        seed: int,
        rate: float = 1e-2,
        batch: int = 1024,
        passes: float = 0.0,
        shrinkage: float = 0.0,
    ) -> None:
        super().__init__(problem, loss, seed)
        if loss not in SLOPES:
            raise ConfigError(f"Adam knows the losses {', '.join(SLOPES)}; got {loss!r}.")
        self.rate, self.shrinkage = rate, shrinkage
        self.blocks: Iterator[Block] = problem.train.blocks(batch, seed)
        rows = min(batch, problem.train.rows)
        self.steps_per_pass = max(1, problem.train.rows // rows)
        self.last = int(passes * self.steps_per_pass)
        self.genome = np.zeros((problem.outputs, problem.inputs + 1), np.float32)
        self.rule = Rule(self.genome.shape)
        # A squared weight on standardised inputs, in the coordinates that Adam sees; a whitening has orthogonal rows.
        self.cost = np.ones(problem.inputs, np.float32)
        if problem.basis is not None:
            self.cost = (problem.basis.astype(np.float64) ** 2).sum(1).astype(np.float32)

    @property
    def finished(self) -> bool:
        """Whether the learning rate has fallen to zero."""
        return bool(self.last) and self.rule.step >= self.last

    def advance(self) -> None:
        """One step on the next minibatch."""
        slope = self.gradient(next(self.blocks))
        if self.shrinkage:
            slope[:, :-1] += 2 * self.shrinkage * self.cost * self.genome[:, :-1]
        share = min(1.0, self.rule.step / self.last) if self.last else 0.0
        self.genome -= self.rule.move(slope, self.rate * 0.5 * (1 + cos(pi * share)))

    def gradient(self, block: Block) -> np.ndarray:
        """Gradient (out, in + 1) of each row's mean loss on a block, the bias last."""
        weights, biases = self.genome[:, :-1], self.genome[:, -1:]
        total = np.zeros_like(self.genome)
        for number, inputs in enumerate(block.inputs):
            targets = block.targets[:, number * CHUNK : (number + 1) * CHUNK]
            seen = inputs[:, : targets.shape[1]]
            predicted = np.tanh(weights @ seen + biases)
            pull = SLOPES[self.loss](predicted - targets)
            pull *= 1 - predicted * predicted
            total[:, :-1] += pull @ seen.T
            total[:, -1] += pull.sum(1)
        return total / np.float32(block.rows)

    def weights(self) -> Weights:
        """The weights after the last step."""
        return self.genome[:, :-1].copy(), self.genome[:, -1].copy()


SLOPES = {
    "mse": lambda error: 2 * error,
    "mae": lambda error: np.sign(error),
    "huber": lambda error: np.clip(error, -1, 1),
}
