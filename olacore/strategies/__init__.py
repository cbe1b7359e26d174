"""Strategies by name."""

from olacore.errors import ConfigError
from olacore.strategies.base import Problem, Report, State, Strategy
from olacore.strategies.classic import Classic
from olacore.strategies.rows import Rows

STRATEGIES: dict[str, type[Strategy]] = {strategy.name: strategy for strategy in (Rows, Classic)}
DEFAULT = Rows.name

__all__ = [
    "DEFAULT",
    "STRATEGIES",
    "Classic",
    "Problem",
    "Report",
    "Rows",
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
