"""What a strategy for whole genomes is: it samples genomes, and learns from how fit they were.

A state is a dictionary of arrays, so that a checkpoint can hold any strategy's. A strategy looks at no clock and draws
random numbers from (seed, generation) only, so that equal states go on equally.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import lru_cache
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from olacore.errors import ConfigError
from olacore.fitness.layout import Layout
from olacore.jit.threads import threads
from olacore.kernels.random import fill_normal
from olacore.registry import Registry

State = dict[str, np.ndarray]
# Numbers of a population below which one thread is quicker than to wake others.
FEW = 1 << 16


@dataclass(frozen=True)
class GenomeStrategy(ABC):
    """Base of the strategies for whole genomes; its dataclass fields are its options, `ranges` their values.

    A strategy is `by_axis` if what it finds depends on which axes numbers stand along.

    Raises
    ------
    ConfigError  if an option is out of its range
    """

    name: ClassVar[str]
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}
    by_axis: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (low, high) = getattr(self, field.name), self.ranges[field.name]
            if not (isinstance(value, int | float | np.number) and isfinite(value) and low <= value <= high):
                raise ConfigError(
                    f"the option {field.name} of the strategy {self.name} must be from {low} to {high}; got {value!r}."
                )

    @classmethod
    def configured(cls, options: dict[str, Any]) -> GenomeStrategy:
        """Make the strategy with some of its options set.

        Raises
        ------
        ConfigError  if it has no such option, or the value is out of range
        """
        known = [field.name for field in fields(cls)]
        for name in options:
            if name not in known:
                raise ConfigError(
                    f"the strategy {cls.name} has no option {name!r}; its options are {', '.join(known) or 'none'}."
                )
        return cls(**options)

    @abstractmethod
    def population(self, size: int) -> int:
        """How many genomes of `size` numbers a generation has, where nobody asks for a number."""

    @abstractmethod
    def start(self, layout: Layout, population: int, mean: np.ndarray, sigma: float, seed: int) -> State:
        """Return the first state, from a mean (size,) and a spread of `sigma` in numbers that are summed alone."""

    @abstractmethod
    def ask(self, state: State, seed: int, generation: int) -> np.ndarray:
        """Return the genomes of a generation, (pop, size) float32; equal calls give equal genomes."""

    @abstractmethod
    def tell(self, state: State, genomes: np.ndarray, fitness: np.ndarray, seed: int, generation: int) -> None:
        """Learn from the fitness (pop,) float64 of what `ask` gave; -inf is a genome that failed."""

    @abstractmethod
    def centre(self, state: State) -> np.ndarray:
        """Return the genome (size,) float32 that stands for the state."""

    @abstractmethod
    def spread(self, state: State) -> float:
        """Return how far genomes lie from the centre, for the log."""


# Strategies by the name that `Evolution(strategy=...)` takes.
GENOME_STRATEGIES: Registry[Any] = Registry("strategy for genomes")


def normal(seed: int, generation: int, rows: int, size: int) -> np.ndarray:
    """Standard normal numbers, (rows, size) float32, that depend on (seed, generation, row, element) alone.

    They are not to be written to: the few of a small population are kept from `ask` to `tell`.
    """
    return (few_normal if rows * size < FEW else drawn_normal)(seed, generation, rows, size)


def drawn_normal(seed: int, generation: int, rows: int, size: int) -> np.ndarray:
    """Draw the numbers of `normal`."""
    out = np.empty((rows, size), np.float32)
    with threads(1 if out.size < FEW else None):
        fill_normal(seed, generation, out)
    out.flags.writeable = False
    return out


few_normal = lru_cache(1)(drawn_normal)


def logarithmic(count: int) -> tuple[np.ndarray, float]:
    """Weights of the best `count` of a generation, best first, which sum to 1, and how many equal ones they are worth.

    Source: Hansen, "The CMA evolution strategy: a tutorial", arXiv:1604.00772, equations 49 and 8.
    """
    weights = np.log(count + 0.5) - np.log(np.arange(1, count + 1))
    weights /= weights.sum()
    return weights, float(1 / (weights**2).sum())


def shared_by_ties(fitness: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the best genome the first of `weights`, the next the second and so on; equally fit ones share theirs.

    Parameters
    ----------
    fitness : (pop,)
    weights : (count,), count at most pop; the rest weighs 0

    Returns
    -------
    (pop,) float64, which does not depend on the order of equally fit genomes
    """
    order = np.argsort(-fitness, kind="stable")
    padded = np.zeros(len(fitness))
    padded[: len(weights)] = weights
    told = fitness[order]
    new = told[1:] != told[:-1]
    if not new.all():
        group = np.r_[0, np.cumsum(new)]
        padded = (np.bincount(group, padded) / np.bincount(group))[group]
    out = np.empty(len(fitness))
    out[order] = padded
    return out
