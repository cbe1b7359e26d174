"""An evolution strategy of somebody else on our rows: it asks for a population and is told its losses.

A peer searches one genome as a whole, or each output row by itself (`rowwise`), which is exact because a row's loss
depends on that row alone. Fitness is olacore's own fused kernel for everybody, on blocks of a size that serves the
peer best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from bench.peers.method import Fitness, Method, Weights
from bench.peers.problems import Problem

# What a loss that is not finite counts as: some libraries stumble over inf.
WORST = 1e30


class Optimizer(Protocol):
    """Independent searches side by side, `groups` of them, each in `dim` numbers, all from zero."""

    def ask(self) -> np.ndarray:
        """Return the next candidates, (groups, pop, dim)."""

    def tell(self, losses: np.ndarray) -> None:
        """Take in the losses (groups, pop) of the candidates that were asked for."""

    def mean(self) -> np.ndarray:
        """Return the point (groups, dim) that the library recommends, or the mean of its distribution."""

    def describe(self) -> dict[str, object]:
        """Say what the library chose by itself."""


class Evolution(Method):
    """A peer at work.

    Parameters
    ----------
    problem : on standardised or whitened inputs
    make : of its optimizer, from groups, dim, seed and settings; a missing library raises `ImportError`
    block : rows that a generation is scored on
    rowwise : whether every output row is searched by itself
    settings : of the optimizer
    """

    def __init__(
        self,
        problem: Problem,
        loss: str,
        seed: int,
        make: Callable[..., Optimizer],
        block: int = 1024,
        rowwise: bool = False,
        **settings: Any,
    ) -> None:
        super().__init__(problem, loss, seed)
        self.rowwise, self.width = rowwise, problem.inputs + 1
        groups, dim = (problem.outputs, self.width) if rowwise else (1, problem.outputs * self.width)
        self.fitness = Fitness(problem, loss, seed, block)
        self.optimizer = make(groups, dim, seed, **settings)

    def advance(self) -> None:
        """Ask, score, tell."""
        losses = self.fitness(self.genomes(self.optimizer.ask()))
        told = losses.T if self.rowwise else losses.mean(1, dtype=np.float64)[None]
        self.optimizer.tell(np.where(np.isfinite(told), told, WORST))

    def weights(self) -> Weights:
        """The optimizer's mean."""
        genome = self.optimizer.mean().reshape(self.problem.outputs, self.width).astype(np.float32)
        return genome[:, :-1], genome[:, -1]

    def genomes(self, asked: np.ndarray) -> np.ndarray:
        """Candidates (groups, pop, dim) as genomes (pop, out, in + 1)."""
        if self.rowwise:
            return asked.swapaxes(0, 1)
        return asked[0].reshape(-1, self.problem.outputs, self.width)

    def describe(self) -> dict[str, object]:
        """What the library chose by itself."""
        return self.optimizer.describe()
