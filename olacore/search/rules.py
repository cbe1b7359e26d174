"""What goes together: kinds, strategies, losses and the settings beside them say themselves what they take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from olacore.errors import ConfigError
from olacore.losses.base import LOSSES
from olacore.losses.objective import Objective
from olacore.losses.user import find_loss
from olacore.modules.file import STORED
from olacore.strategies import STRATEGIES, Stack, Strategy
from olacore.views import VIEWS

DEFAULT_SECONDS = 60.0
POPULATION = 40
PAIR = "pair"
# A stack for at most so many training samples is a wide one, if it has a unit for each few of them.
FEW_ROWS, ROWS_PER_UNIT = 8192, 16
# Losses that are the same in orthonormal components of the targets.
SQUARES = ("mse", "contrast")


class Asked(Protocol):
    """The settings that rules are about; see `TrainConfig`."""

    @property
    def module(self) -> str | None: ...

    @property
    def view(self) -> str | None: ...

    @property
    def strategy(self) -> str | None: ...

    @property
    def options(self) -> dict[str, Any]: ...

    @property
    def loss(self) -> str | Callable[..., Any]: ...

    @property
    def output_weights(self) -> tuple[float, ...]: ...

    @property
    def weights(self) -> str | None: ...

    @property
    def stack(self) -> int | None: ...

    @property
    def budget(self) -> int | None: ...

    @property
    def components(self) -> int | None: ...

    @property
    def latents_from(self) -> Path | str | None: ...

    @property
    def population(self) -> int | None: ...

    @property
    def generations(self) -> int | None: ...

    @property
    def passes(self) -> float | None: ...

    @property
    def seconds(self) -> float | None: ...

    @property
    def until_loss(self) -> float | None: ...


@dataclass(frozen=True)
class Settled:
    """What settings come to.

    Parameters
    ----------
    strategy : with its options set
    objective : what it minimises
    weights : how they are stored
    population : number of genomes
    generations : after which to stop; None for no such limit
    seconds : of search after which to stop; None for no such limit
    """

    strategy: Strategy
    objective: Objective
    weights: str
    population: int
    generations: int | None
    seconds: float | None


def settle(asked: Asked) -> Settled:
    """Fill in defaults, and refuse what does not go together or would be ignored.

    Raises
    ------
    ConfigError  naming what was expected and what came
    """
    check_module(asked)
    kind = choose_strategy(asked)
    objective = Objective(find_loss(asked.loss) if isinstance(asked.loss, str) else asked.loss, asked.output_weights)
    check_loss(kind, objective, asked.output_weights)
    if asked.components and (objective.by.name not in SQUARES or asked.output_weights):
        raise ConfigError(
            f"components keep what {' and '.join(SQUARES)} measure, all outputs alike; leave --components out."
        )
    weights = asked.weights or kind.stores[0]
    if weights not in STORED:
        raise ConfigError(f"weights must be {', '.join(STORED[:-1])} or {STORED[-1]}; got {weights!r}.")
    if weights not in kind.stores:
        raise ConfigError(f"the strategy {kind.name} evolves {' or '.join(kind.stores)} weights; got {weights!r}.")
    if asked.population is not None and not kind.populated:
        raise ConfigError(f"the strategy {kind.name} has no choice of a population; leave --population out.")
    units = {} if asked.stack is None else {"units": asked.stack}
    strategy = kind.configured({**asked.options, **units}).stored(weights)
    generations = asked.generations
    if generations is None and asked.passes is None:
        generations = kind.schedule
    limits = (generations, asked.passes, asked.seconds, asked.until_loss)
    seconds = DEFAULT_SECONDS if all(limit is None for limit in limits) else asked.seconds
    return Settled(strategy, objective, weights, asked.population or POPULATION, generations, seconds)


def check_module(asked: Asked) -> None:
    """Raise `ConfigError` unless there are modules of that kind, with such a view."""
    if asked.module is None:
        if asked.view is not None:
            raise ConfigError(f"plain pairs have no choice of a view; got {asked.view!r} and no kind of module.")
        return
    if asked.module not in VIEWS:
        raise ConfigError(f"there is no kind of module {asked.module!r}; there are {', '.join(VIEWS)}.")
    if asked.view is not None:
        VIEWS[asked.module].find(asked.view)


def choose_strategy(asked: Asked) -> type[Strategy]:
    """Return the strategy that was asked for, or the first one that evolves such a module."""
    stack = asked.stack is not None or asked.budget is not None
    stacks = [each.name for each in STRATEGIES.values() if each.grows]
    if stack and asked.strategy not in (None, *stacks):
        raise ConfigError(f"a stack is evolved by the strategies {' or '.join(stacks)}; got {asked.strategy!r}.")
    name = Stack.name if stack and asked.strategy is None else asked.strategy
    if name is None:
        return next(each for each in STRATEGIES.values() if evolves(each, asked.module))
    found = STRATEGIES.find(name)
    if not evolves(found, asked.module) and asked.module not in found.joins:
        takes = [each.name for each in STRATEGIES.values() if evolves(each, asked.module)]
        kinds = f"evolves the module {' or '.join(found.kinds)}" if found.kinds else "evolves single modules"
        what = f"the module {asked.module}" if asked.module else "plain pairs"
        raise ConfigError(f"the strategy {name} {kinds}; for {what} there are {', '.join(takes)}.")
    return found


def may_be_wide(asked: Asked, rows: int) -> bool:
    """Whether a stack was asked for that the number of training samples may make a wide one: no strategy was named."""
    stack = asked.stack is not None or asked.budget is not None
    return stack and asked.strategy is None and not asked.options and rows <= FEW_ROWS


def evolves(strategy: type[Strategy], module: str | None) -> bool:
    """Whether a strategy evolves modules of this kind: those that it names, or all that no other strategy names."""
    if strategy.kinds is not None:
        return module in strategy.kinds
    return not any(module in (other.kinds or ()) for other in STRATEGIES.values())


def check_loss(strategy: type[Strategy], objective: Objective, output_weights: tuple[float, ...]) -> None:
    """Raise `ConfigError` unless the strategy minimises such a loss."""
    loss = objective.by
    known = strategy.losses or tuple(name for name, each in LOSSES.items() if not each.weighs_samples)
    fits = loss.name in known if strategy.losses else not loss.weighs_samples
    if not fits or (output_weights and not strategy.weighs_outputs):
        alike = "" if strategy.weighs_outputs else ", all outputs alike"
        weighted = " with output weights" if output_weights else ""
        raise ConfigError(
            f"the strategy {strategy.name} minimises {' or '.join(known)}{alike}; got {loss.name!r}{weighted}."
        )
