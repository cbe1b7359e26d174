"""Figures that are aimed at, beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.common.tables import Table, number

HEAD = ("figure", "target", "measured", "met")
VERDICTS = {True: "yes", False: "no", None: "not measured"}


@dataclass(frozen=True)
class Target:
    """A figure that is aimed at.

    Parameters
    ----------
    figure : what it is
    wanted : the bound
    least : whether the figure has to reach the bound; otherwise it has to stay below it
    unit : of both numbers; empty for ratios
    measured : None where it was not measured
    """

    figure: str
    wanted: float
    least: bool
    unit: str
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where it was not measured."""
        if self.measured is None:
            return None
        return self.measured >= self.wanted if self.least else self.measured < self.wanted

    def to_dict(self) -> dict[str, Any]:
        """The target in JSON types, with whether it is met."""
        return {**asdict(self), "met": self.met}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Target:
        """The inverse of `to_dict`."""
        return cls(**{name: value for name, value in values.items() if name != "met"})


def targets_table(targets: Iterable[Target], title: str = "Targets") -> Table:
    """One row a target: its bound, what was measured and whether it is met."""
    return Table(HEAD, [target_row(target) for target in targets], title)


def target_row(target: Target) -> list[str]:
    """Figure, bound, measurement and verdict."""
    bound = f"{'at least' if target.least else 'below'} {target.wanted:g} {target.unit}".strip()
    return [target.figure, bound, number(target.measured), VERDICTS[target.met]]
