"""Telling of trials: short searches by which the data choose options, before the search itself."""

from __future__ import annotations

from collections.abc import Callable

# Called before a trial with what it tries, and how many trials there are; None where their losses decide that.
Tell = Callable[[str, int | None], None]


def silent(what: str, total: int | None) -> None:
    """Tell nobody."""
