"""A comparison's cells as figures in JSON types, each a median over seeds with its range."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from math import inf, log2
from statistics import median
from typing import Any

import numba

from bench.common.report import describe_run
from bench.peers.cells import Cell
from bench.peers.curves import Curve, middle
from bench.peers.methods import ORIENTATION, parse_method
from bench.peers.plan import DOUBLINGS, Request
from bench.peers.run import GOALS, TIMES, Comparison

SCHEMA = "olacore/peers-report/1"
PACKAGES = ("cma", "cmaes", "evosax", "jax", "ribs", "fcmaes", "nevergrad")
# Seconds after which our loss is looked at, each of so many cores.
MOMENTS = (5.0, 30.0)
CORES = 2


def summarise(comparison: Comparison) -> dict[str, Any]:
    """All figures of a comparison, with what they were measured on."""
    rows = [method_row(comparison, requests) for requests in grouped(comparison).values()]
    growth = [row for row in rows if row["part"] in ("growth", "ours")]
    return {
        **describe_run(SCHEMA, comparison.threads, PACKAGES),
        "numba_threads": numba.config.NUMBA_NUM_THREADS,  # type: ignore[attr-defined]
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "seeds": comparison.plan.seeds,
        "default": comparison.plan.default,
        "floors": [floor.to_dict() for floor in comparison.floors.values()],
        "methods": rows,
        "growth": doublings(growth, comparison.plan.default),
        "left_out": sorted(comparison.left_out),
    }


def problems_of(report: dict[str, Any]) -> list[str]:
    """Names of the whole problems of a report."""
    return [floor["problem"] for floor in report["floors"] if "/" not in floor["problem"] and floor["loss"] == "mse"]


def grouped(comparison: Comparison) -> dict[tuple[str, str, str], list[tuple[Request, Cell]]]:
    """Cells by problem, loss and method."""
    found: dict[tuple[str, str, str], list[tuple[Request, Cell]]] = {}
    for request, cell in comparison.cells:
        kept = found.setdefault((request.problem, request.loss, request.method), [])
        if all(cell.seed != other.seed for _, other in kept):
            kept.append((request, cell))
    return found


def method_row(comparison: Comparison, cells: Sequence[tuple[Request, Cell]]) -> dict[str, Any]:
    """Figures of one method on one problem."""
    request, first = cells[0]
    floor = comparison.floors[request.problem, request.loss]
    curves = [Curve.of(cell, floor.held_out) for _, cell in cells]
    spec = parse_method(request.method)
    cap = min(cell.cap for _, cell in cells)
    row: dict[str, Any] = {
        "part": request.part,
        "problem": request.problem,
        "loss": request.loss,
        "method": request.method,
        "title": spec.title,
        "orientation": spec.name in ORIENTATION,
        "peer": spec.is_peer,
        "settings": first.settings,
        "notes": first.notes,
        "failed": sorted({cell.failed for _, cell in cells if cell.failed}),
        "seeds": len(cells),
        "cap": cap,
        "ended": all(curve.ended for curve in curves),
        "lowest": spread(curve.lowest for curve in curves),
        "curves": [curve.thinned() for curve in curves],
    }
    own = {goal: comparison.own_seconds(request.problem, goal) if request.loss == "mse" else inf for goal in GOALS}
    for goal in GOALS:
        seconds = [curve.seconds_to(goal) for curve in curves]
        row[f"seconds to {goal}"] = spread(seconds)
        row[f"times ours to {goal}"] = times(middle(seconds), own[goal], inf if row["ended"] else cap)
    for moment in MOMENTS:
        row[f"ratio at {moment:g} s"] = spread(curve.at(moment, wall=True) for curve in curves)
        row[f"ratio at {CORES * moment:g} CPU-s"] = spread(curve.at(CORES * moment) for curve in curves)
    return row


def spread(values: Iterable[float]) -> dict[str, float | None]:
    """Median, least and largest, to five digits; None for what was not reached."""
    found = sorted(values)
    return {"median": digits(median(found)), "least": digits(found[0]), "largest": digits(found[-1])}


def digits(value: float) -> float | None:
    """Five significant digits; None for inf."""
    return float(f"{value:.5g}") if value < inf else None


def times(seconds: float, own: float, cap: float) -> dict[str, Any] | None:
    """How many times our seconds a method took; `at_least` where it did not get there before it was stopped.

    None where we did not get there, or where a method that ended by itself, with the cap inf, did not.
    """
    if own in (0, inf) or seconds == cap == inf:
        return None
    if seconds < inf:
        return {"ratio": digits(seconds / own), "at_least": False}
    return {"ratio": digits(min(cap / own, TIMES)), "at_least": True}


def doublings(rows: Sequence[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    """Time to the first goal as sizes double: the factor of each doubling, and the exponent over all of them."""
    seconds = {
        row["problem"]: row[f"seconds to {GOALS[0]}"]["median"]
        for row in rows
        if (row["method"], row["loss"]) == (method, "mse")
    }
    found = []
    for problem in [name for name in seconds if "/" not in name]:
        for side, shares in DOUBLINGS.items():
            chain = {share: seconds.get(f"{problem}/{side}:{share}") for share in shares}
            chain[1] = seconds[problem]
            known = {share: value for share, value in chain.items() if value}
            if len(known) < 2:
                continue
            first, last = max(known), min(known)
            exponent = log2(known[last] / known[first]) / log2(first / last)
            named = {f"1/{share}": value for share, value in chain.items()}
            found.append({"problem": problem, "side": side, "seconds": named, "exponent": digits(exponent)})
    return found


def best_peer(rows: Sequence[dict[str, Any]], problem: str, goal: float) -> dict[str, Any] | None:
    """The peer that was first at a share of the floor, or came nearest; None without peers."""
    peers = [row for row in rows if row["problem"] == problem and row["peer"] and row["loss"] == "mse"]

    def key(row: dict[str, Any]) -> tuple[float, float]:
        seconds = row[f"seconds to {goal}"]["median"]
        return inf if seconds is None else seconds, row["lowest"]["median"] or inf

    return min(peers, key=key, default=None)


def find(rows: Sequence[dict[str, Any]], problem: str, method: str, loss: str = "mse") -> dict[str, Any] | None:
    """The row of a method on a problem."""
    wanted = problem, method, loss
    return next((row for row in rows if (row["problem"], row["method"], row["loss"]) == wanted), None)
