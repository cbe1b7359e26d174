"""What is compared: something that advances and can be asked for its weights. The harness holds the clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from bench.peers.problems import Problem, Split
from olacore.blocks import Block
from olacore.embed.checked import compiled_loss
from olacore.kernels.loss import make_score_population

Weights = tuple[np.ndarray, np.ndarray]


class Method(ABC):
    """One search on one problem.

    Parameters
    ----------
    problem : with the inputs that the method works on, standardised or whitened
    loss : "mse", "mae" or "huber"
    seed : of every random number
    """

    #: Whether the method has said all that it has to say after its first advance.
    closed_form: ClassVar[bool] = False

    def __init__(self, problem: Problem, loss: str, seed: int) -> None:
        self.problem, self.loss, self.seed = problem, loss, seed

    @abstractmethod
    def advance(self) -> None:
        """Do one generation, or the shortest piece of work that leaves other weights."""

    @abstractmethod
    def weights(self) -> Weights:
        """Weights (out, in) on the problem's inputs and biases (out,) that stand for the search now."""

    def measure(self, split: Split) -> float:
        """Mean loss of the current weights on rows with standardised inputs."""
        weights, biases = self.weights()
        return mean_loss((self.problem.standardised(weights), biases), split, self.loss)

    def describe(self) -> dict[str, object]:
        """What a reader has to know of this run beside its settings, such as what a library chose by itself."""
        return {}


def mean_loss(weights: Weights, split: Split, loss: str = "mse") -> float:
    """Mean loss of one genome on standardised rows; inf where it is not finite."""
    rows = np.empty((1, len(weights[1])), np.float32)
    score = make_score_population(compiled_loss(loss))
    first, second = (np.ascontiguousarray(array, np.float32)[None] for array in weights)
    score(first, second, split.inputs, split.targets, rows)
    return float(rows.mean(dtype=np.float64))


class Fitness:
    """Losses of a population on one block after the other; all members of a generation see the same block.

    Parameters
    ----------
    rows : of a block
    """

    def __init__(self, problem: Problem, loss: str, seed: int, rows: int) -> None:
        self.inputs = problem.inputs
        self.blocks: Iterator[Block] = problem.train.blocks(rows, seed)
        self.score = make_score_population(compiled_loss(loss))

    def __call__(self, population: np.ndarray) -> np.ndarray:
        """Losses (pop, out) of genomes (pop, out, in + 1), the bias last, on the next block."""
        weights = np.ascontiguousarray(population[..., : self.inputs], np.float32)
        biases = np.ascontiguousarray(population[..., self.inputs], np.float32)
        block = next(self.blocks)
        losses = np.empty(biases.shape, np.float32)
        self.score(weights, biases, block.inputs, block.targets, losses)
        return losses
