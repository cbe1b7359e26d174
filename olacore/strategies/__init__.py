"""Strategies by name."""

from olacore.errors import ConfigError
from olacore.strategies.base import Hidden, Problem, Report, State, Strategy
from olacore.strategies.classic import Classic
from olacore.strategies.pair import Pair
from olacore.strategies.rows import Rows
from olacore.strategies.stack.strategy import Stack

STRATEGIES: dict[str, type[Strategy]] = {strategy.name: strategy for strategy in (Rows, Stack, Pair, Classic)}
DEFAULT = Rows.name

__all__ = [
    "DEFAULT",
    "STRATEGIES",
    "Classic",
    "Hidden",
    "Pair",
    "Problem",
    "Report",
    "Rows",
    "Stack",
    "State",
    "Strategy",
    "find_strategy",
]


def find_strategy(name: str) -> type[Strategy]:
    """Return the strategy called `name`.

    Raises
    ------
    ConfigError  if there is none; the message lists those there are
    """
    if name not in STRATEGIES:
        raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
