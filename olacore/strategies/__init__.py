"""Strategies by name; importing this package makes all of ours known."""

from olacore.strategies.base import STRATEGIES, Candidate, Hidden, Problem, Report, Sizes, State, Strategy

from olacore.strategies.rows import Rows  # isort: skip  the default comes first
from olacore.strategies.stack import Stack  # isort: skip
from olacore.strategies.wide import Wide  # isort: skip
from olacore.strategies.pair import Pair  # isort: skip
from olacore.strategies.classic import Classic  # isort: skip

__all__ = [
    "STRATEGIES",
    "Candidate",
    "Classic",
    "Hidden",
    "Pair",
    "Problem",
    "Report",
    "Rows",
    "Sizes",
    "Stack",
    "State",
    "Strategy",
    "Wide",
]
