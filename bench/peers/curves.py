"""Figures of anytime curves: seconds to a share of the floor, and the loss after so many seconds.

At every point the search stands for the weights that were best on validation rows so far, as in training; their
held-out loss is what counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from statistics import median

from bench.peers.cells import Cell


@dataclass(frozen=True)
class Curve:
    """Held-out loss over the floor, of the best weights on validation so far.

    Parameters
    ----------
    cpu, wall : seconds, rising
    ratio : loss over the floor
    ended : whether the method had no more to do before it was stopped
    """

    cpu: tuple[float, ...]
    wall: tuple[float, ...]
    ratio: tuple[float, ...]
    ended: bool = False

    @classmethod
    def of(cls, cell: Cell, floor: float) -> Curve:
        """Choose on validation rows."""
        points = cell.curve
        best, ratios = (inf, inf), []
        for point in points:
            if point.validation < best[0]:
                best = point.validation, point.held_out
            ratios.append(best[1] / floor)
        ended = bool(points) and points[-1].cpu < cell.cap and not cell.failed
        return cls(tuple(p.cpu for p in points), tuple(p.wall for p in points), tuple(ratios), ended)

    def seconds_to(self, ratio: float) -> float:
        """CPU-seconds after which the ratio was first reached; inf if it was not."""
        return next((cpu for cpu, here in zip(self.cpu, self.ratio, strict=True) if here <= ratio), inf)

    def at(self, seconds: float, wall: bool = False) -> float:
        """Ratio after so many CPU-seconds, or seconds; inf before the first point, and after the method was stopped."""
        times = self.wall if wall else self.cpu
        place = bisect_right(times, seconds)
        return self.ratio[place - 1] if place and (self.ended or seconds <= times[-1]) else inf

    @property
    def lowest(self) -> float:
        """The best ratio reached; inf for an empty curve."""
        return min(self.ratio, default=inf)

    def thinned(self, share: float = 1.1) -> list[tuple[float, float]]:
        """Points (cpu, ratio) of which each is that much later than the one before; the last one too."""
        kept: list[tuple[float, float]] = []
        for cpu, ratio in zip(self.cpu, self.ratio, strict=True):
            if not kept or cpu >= kept[-1][0] * share:
                kept.append((cpu, ratio))
        if self.cpu and kept[-1][0] != self.cpu[-1]:
            kept.append((self.cpu[-1], self.ratio[-1]))
        return [(float(f"{cpu:.4g}"), float(f"{ratio:.6g}")) for cpu, ratio in kept if ratio < inf]


def middle(values: Iterable[float]) -> float:
    """The median, where inf counts as a late one; inf of nothing."""
    found = sorted(values)
    return median(found) if found else inf
