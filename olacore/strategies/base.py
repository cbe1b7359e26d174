"""What a strategy is: it starts a state, advances it by one generation on a block, and names its candidate.

A state is a dictionary of arrays, so that a checkpoint can hold any strategy's; whatever decides the search must be
in it. A strategy never looks at a clock and draws random numbers only from (seed, generation), so that equal states
go on equally.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from olacore.errors import ConfigError, SearchError
from olacore.losses.objective import MSE, Objective
from olacore.views.view import Block

State = dict[str, np.ndarray]
# Weights (units, in) and biases (units,) of each hidden map of a stack.
Hidden = tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True)
class Problem:
    """What a strategy is told before it starts.

    Parameters
    ----------
    inputs, outputs : dimensions of the map
    population : number of genomes
    seed : of every random number of the search
    sample : (n, in) float32 standardised inputs, for statistics of the inputs
    generations : how many there will be, for strategies that cool down
    spread : (in,) float32, of the inputs before they were standardised; None where it does not matter
    """

    inputs: int
    outputs: int
    population: int
    seed: int
    sample: np.ndarray
    generations: int = 1000
    spread: np.ndarray | None = None


@dataclass(frozen=True)
class Report:
    """What one generation did.

    Parameters
    ----------
    loss : mean loss of the candidate, or of the best genome, on the block, before the generation changed anything
    accepted : share of the proposals that were kept
    nonfinite : number of losses that were NaN or inf, and so lost their comparison
    """

    loss: float
    accepted: float
    nonfinite: int


@dataclass(frozen=True)
class Strategy(ABC):
    """Base of all strategies; its dataclass fields are its options, `ranges` the values that they may take.

    Raises
    ------
    ConfigError  if an option is out of its range
    """

    name: ClassVar[str]
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}

    def __post_init__(self) -> None:
        for option, (low, high) in self.ranges.items():
            value = getattr(self, option)
            if not low <= value <= high:
                raise ConfigError(
                    f"the option {option} of the strategy {self.name} must be from {low} to {high}; got {value}."
                )

    @classmethod
    def configured(cls, options: dict[str, Any]) -> Strategy:
        """Make the strategy with some of its options set.

        Raises
        ------
        ConfigError  if it has no such option, or the value is of another type or out of range
        """
        known: dict[str, Any] = {field.name: type(field.default) for field in fields(cls)}
        for name, value in options.items():
            if name not in known:
                raise ConfigError(
                    f"the strategy {cls.name} has no option {name!r}; its options are {', '.join(known)}."
                )
            try:
                options = {**options, name: known[name](value)}
                if not isinstance(value, str) and options[name] != value:
                    raise ValueError  # a fraction where an integer is needed, or NaN
            except (TypeError, ValueError) as error:
                raise ConfigError(
                    f"the option {name} of the strategy {cls.name} must be {known[name].__name__}; got {value!r}."
                ) from error
        return cls(**options)

    @abstractmethod
    def start(self, problem: Problem) -> State:
        """Return the first state: at least `weights` (pop, out, in), `biases` (pop, out) and `trust` (pop,)."""

    @abstractmethod
    def advance(self, state: State, block: Block, seed: int, generation: int, objective: Objective = MSE) -> Report:
        """Change `state` by one generation on `block`, towards a lower `objective`.

        Raises
        ------
        SearchError  if every loss of the generation is NaN or inf
        """

    @abstractmethod
    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Return how much `advance` allocates for a block of so many rows, beside the state."""

    @abstractmethod
    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights (out, in) and biases (out,) that stand for the population now.

        Of a stack, those of the map that answers; it reads the hidden units too.
        """

    def hidden(self, state: State) -> Hidden:
        """Return the hidden maps, none unless the strategy makes stacks."""
        return ()


def check_losses(losses: np.ndarray, generation: int) -> int:
    """Return how many losses are not finite.

    Raises
    ------
    SearchError  if all are
    """
    bad = losses.size - int(np.isfinite(losses).sum())
    if bad == losses.size:
        raise SearchError(
            f"every loss of generation {generation} is NaN or inf; look for huge values in the data, "
            "at a loss of your own, or start anew with another seed."
        )
    return bad
