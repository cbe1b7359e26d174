"""The figures that the search is meant to reach, read off a report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.common.targets import Target
from bench.peers.methods import with_settings
from bench.peers.plan import ADAMS, LOSSES, Ablation
from bench.peers.run import GOALS, TIMES
from bench.peers.summary import CORES, MOMENTS, best_peer, find, problems_of

# What a loss over the floor may be after each of the moments.
BOUNDS = dict(zip(MOMENTS, GOALS, strict=True))


def judge(report: dict[str, Any], ablations: tuple[Ablation, ...]) -> tuple[Target, ...]:
    """Compare a report with every target; what was not measured is neither met nor missed."""
    return tuple(targets(report, ablations))


def targets(report: dict[str, Any], ablations: tuple[Ablation, ...]) -> Iterator[Target]:
    """The targets one after the other, problem by problem."""
    rows, default = report["methods"], report["default"]
    for problem in problems_of(report):
        own = find(rows, problem, default)
        if own is None:
            continue
        for moment, bound in BOUNDS.items():
            reached = own[f"ratio at {CORES * moment:g} CPU-s"]["median"]
            yield Target(f"{problem}: loss over the floor after {CORES * moment:g} CPU-s", bound, False, "", reached)
        for ablation in ablations:
            changed = find(rows, problem, with_settings(default, ablation.settings))
            figure = f"{problem}: {ablation.name}, seconds to {GOALS[0]} over the default's"
            yield Target(figure, ablation.slower, True, "", over(changed, own, GOALS[0]))
        peer = best_peer(rows, problem, GOALS[0])
        if peer is not None:
            figure = f"{problem}: best peer ({peer['title']}), times our CPU-s to {GOALS[0]}"
            ratio = peer[f"times ours to {GOALS[0]}"]
            yield Target(figure, float(TIMES), True, "", ratio and ratio["ratio"])
        adam = [over(own, find(rows, problem, name), GOALS[1]) for name in ADAMS]
        known = [value for value in adam if value is not None]
        yield Target(f"{problem}: CPU-s to {GOALS[1]} over Adam's", 1.0, False, "", max(known, default=None))
        for loss in LOSSES:
            ours, theirs = find(rows, problem, default, loss), find(rows, problem, ADAMS[0], loss)
            if ours and theirs and ours["lowest"]["median"] and theirs["lowest"]["median"]:
                measured = ours["lowest"]["median"] / theirs["lowest"]["median"]
                yield Target(f"{problem}: {loss} over Adam's", GOALS[1], False, "", measured)


def over(above: dict[str, Any] | None, below: dict[str, Any] | None, goal: float) -> float | None:
    """Seconds of one method to a goal over those of another; at least, where the first was stopped before."""
    if above is None or below is None:
        return None
    seconds, base = above[f"seconds to {goal}"]["median"], below[f"seconds to {goal}"]["median"]
    return (above["cap"] if seconds is None else seconds) / base if base else None
