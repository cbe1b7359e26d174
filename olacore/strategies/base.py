"""What a strategy is: it starts a population, advances it by one generation on a block, and names its candidate.

A state is a dictionary of arrays, so that a checkpoint can hold any strategy's; whatever decides the search must be
in it. A strategy never looks at a clock and draws random numbers only from (seed, generation), so that equal states
go on equally. Every hook behind the three abstract methods has a default that suits a plain population of affine maps.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from olacore.blocks import Block
from olacore.errors import ConfigError, SearchError
from olacore.kernels.forward import forward_population
from olacore.kernels.layers import read_through
from olacore.losses.objective import MSE, Objective
from olacore.registry import Registry
from olacore.strategies.common.telling import Tell, silent
from olacore.strategies.group import Group

# What a strategy keeps between generations: arrays by name.
State = dict[str, np.ndarray]
# Weights (units, in) and biases (units,) of each hidden map of a stack.
Hidden = tuple[tuple[np.ndarray, np.ndarray], ...]


@dataclass(frozen=True)
class Candidate:
    """The map that stands for a population.

    Parameters
    ----------
    weights : (out, in), of the map that answers; of a stack it reads the hidden units too
    biases : (out,)
    hidden : the hidden maps, none unless the strategy makes stacks
    """

    weights: np.ndarray
    biases: np.ndarray
    hidden: Hidden = ()

    def copy(self) -> Candidate:
        """Return the same map in memory of its own."""
        hidden = tuple((weights.copy(), biases.copy()) for weights, biases in self.hidden)
        return Candidate(self.weights.copy(), self.biases.copy(), hidden)


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
    rows : training samples; None where it does not matter
    """

    inputs: int
    outputs: int
    population: int
    seed: int
    sample: np.ndarray
    generations: int = 1000
    spread: np.ndarray | None = None
    rows: int | None = None


@dataclass(frozen=True)
class Sizes:
    """What a strategy may need to know of a view.

    Parameters
    ----------
    inputs, outputs : numbers of a sample
    settings : of the view by name, such as `channels` or `window`
    """

    inputs: int
    outputs: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """What one generation did.

    Parameters
    ----------
    loss : mean loss of the candidate, or of the best genome, on the block, before the generation changed anything
    accepted : share of the proposals that were kept
    nonfinite : number of losses that were NaN or inf, and so lost their comparison
    replaced : hidden units that made room for others
    """

    loss: float
    accepted: float
    nonfinite: int
    replaced: int = 0


@dataclass(frozen=True)
class Strategy(ABC):
    """Base of all strategies; its dataclass fields are its options, `ranges` the values that they may take.

    Attributes
    ----------
    name : what it is found by
    ranges : smallest and largest value of an option
    derived : fields that follow from the view, and so are no options
    headroom : targets are scaled down by it, so that the tanh of the answer works in its linear part
    schedule : generations where none were asked for, of a strategy that cools down and so has to know their number
    populated : whether it takes `--population`
    sees_all : whether a block has to hold all training samples
    rotates : whether it works with components of many targets by itself
    compares_shown : whether validation losses are compared in the units of the targets, or as the strategy sees them
    alike : share by which a later candidate's validation loss may be higher than the best one and still take its place
    grows : whether it makes stacks, of as many units as `--stack` and `--budget` say
    losses : names of the losses that it minimises; None for all that weigh samples alike
    weighs_outputs : whether outputs may have weights in the loss
    stores : how the weights that it evolves may be stored, the default first
    kinds : kinds of modules that it evolves; None for all that no other strategy names
    joins : kinds of modules of which it evolves a part, in a later search
    exchanges : generations between two exchanges of islands; None for a strategy that sends no migrants
    divides : whether islands divide the work of one search, `within` a group, instead

    Raises
    ------
    ConfigError  if an option is out of its range
    """

    name: ClassVar[str]
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}
    derived: ClassVar[tuple[str, ...]] = ()
    headroom: ClassVar[float] = 1.0
    schedule: ClassVar[int | None] = None
    populated: ClassVar[bool] = True
    sees_all: ClassVar[bool] = False
    rotates: ClassVar[bool] = False
    compares_shown: ClassVar[bool] = False
    alike: ClassVar[float] = 0.0
    grows: ClassVar[bool] = False
    losses: ClassVar[tuple[str, ...] | None] = None
    weighs_outputs: ClassVar[bool] = True
    stores: ClassVar[tuple[str, ...]] = ("float32", "float16")
    kinds: ClassVar[tuple[str, ...] | None] = None
    joins: ClassVar[tuple[str, ...]] = ()
    exchanges: ClassVar[int | None] = None
    divides: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for option, (low, high) in self.ranges.items():
            value = getattr(self, option)
            if not (low <= value <= high and isfinite(value)):
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
        known: dict[str, Any] = {
            field.name: type(field.default) for field in fields(cls) if field.name not in cls.derived
        }
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

    # ------------------------------------------------------------ what every strategy has to have

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
    def candidate(self, state: State) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights (out, in) and biases (out,) that stand for the population now.

        Of a stack, those of the map that answers; it reads the hidden units too.
        """

    # ------------------------------------------------------------ hooks with a default

    def hidden(self, state: State) -> Hidden:
        """Return the hidden maps, none unless the strategy makes stacks."""
        return ()

    def gauges(self, state: State) -> dict[str, float]:
        """Return what is worth watching of a state beside trust, for the log: `step`, how far rows move, in spreads of
        the pre-activations; `moved`, what the latest step changed, over the length of the weights; `units`, hidden
        ones.
        """
        return {}

    def working_bytes(self, inputs: int, outputs: int, rows: int) -> int:
        """Return how much `advance` allocates for a block of so many samples, beside the state."""
        return 0

    def stored(self, form: str) -> Strategy:
        """Return the strategy as it evolves weights that are stored in this form."""
        return self

    def within(self, group: Group) -> Strategy:
        """Return the strategy as it works on one of some islands, if it `divides` the work of a search among them."""
        return self

    def fitted(self, sizes: Sizes, form: str, budget: int | None) -> Strategy:
        """Return the strategy for a view, within a file of `budget` bytes with weights stored in this form.

        Raises
        ------
        ConfigError  if there is a budget and the strategy does not grow, or not even its least fits
        """
        if budget is not None:
            raise ConfigError(f"a budget limits how far a stack grows; the strategy {self.name} grows none.")
        return self

    def tuned(
        self,
        problem: Problem,
        block: Block,
        objective: Objective,
        loss_of: Callable[[Candidate], float],
        asked: Collection[str],
        tell: Tell = silent,
    ) -> Strategy:
        """Return the strategy with options that the data choose.

        Parameters
        ----------
        block : training samples
        loss_of : the loss of a candidate on the validation samples
        asked : options that the user set
        tell : called before each trial
        """
        return self

    @property
    def chosen(self) -> dict[str, Any]:
        """Options that the data may have chosen, for the module's card and for resuming."""
        return {}

    def between(  # noqa: B027  most strategies have nothing to do here
        self,
        state: State,
        generation: int,
        seed: int,
        validate: Callable[[], float],
        loss_of: Callable[[Candidate], float],
    ) -> None:
        """Change the state after so many generations, as where hidden units join.

        Parameters
        ----------
        validate : returns the best validation loss, after the candidate of now was counted in
        loss_of : the loss of a candidate on the validation samples
        """

    def emigrants(self, state: State) -> State:
        """Return copies of what other islands of the same search may take over, none unless the strategy `exchanges`.

        Arrays by name. Their number along the first axis may change in the course of a search; the other axes and the
        types may not.
        """
        return {}

    def immigrate(
        self,
        state: State,
        migrants: Sequence[State],
        block: Block,
        seed: int,
        generation: int,
        objective: Objective = MSE,
    ) -> int:
        """Score what other islands sent beside what is here, on the same block, and keep what is better.

        Parameters
        ----------
        migrants : what `emigrants` returned on each of some islands, in their order

        Returns
        -------
        how many rows or units were taken over
        """
        return 0

    def grown(self, state: State, units: int) -> State:
        """Return a first state as it is after so many hidden units have joined, with its arrays of those shapes.

        A checkpoint has to hold arrays of these names, types and shapes. What is (0, n) at first may have become
        (n, n); integers may have become larger, never smaller.

        Parameters
        ----------
        units : of a checkpoint; any number, which need not be one that this strategy comes to
        """
        return state

    def warm_up(self, state: State, block: Block, seed: int, generation: int, objective: Objective) -> None:
        """Run every kernel of a search once; the state is a copy that is thrown away."""
        self.advance(state, block, seed, generation, objective)

    def best(self, state: State) -> Candidate:
        """Return the candidate with its hidden maps."""
        return Candidate(*self.candidate(state), self.hidden(state))

    def answer(self, candidate: Candidate, block: Block) -> np.ndarray:
        """Return the candidate's answers (out, n), in the scale of the block's targets."""
        packed = read_through(candidate.hidden, block.inputs, block.rows)
        out = np.empty((1, len(candidate.biases), block.rows), np.float32)
        forward_population(candidate.weights[None], candidate.biases[None], packed, out)
        return out[0]

    def loss_of(self, candidate: Candidate, block: Block, objective: Objective) -> float:
        """Return the candidate's loss on a block, in the scale of its targets; inf where it is not finite."""
        packed = read_through(candidate.hidden, block.inputs, block.rows)
        return objective.loss_of(candidate.weights, candidate.biases, packed, block.targets)


# Strategies by name, the default first.
STRATEGIES: Registry[type[Strategy]] = Registry("strategy")


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
