"""Settings that serve a peer best: one setting after the other over a small grid, kept where the search got faster.

python -m bench.peers.tune DATA.h5 PROBLEM OUT.json SECONDS METHOD...: try, and write what was tried and chosen. What
counts is CPU-seconds to 1.05 of the floor on validation rows, or, where that is not reached, the loss at the end. The
seed is none of those that are reported.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.peers.cells import Cell, run_cell
from bench.peers.floors import Floor
from bench.peers.methods import parse_method
from bench.problems import Problem, load_problem

SEED = 1000
GOAL = 1.05

Grid = dict[str, tuple[Any, ...]]

SIGMAS = (0.003, 0.01, 0.03, 0.1, 0.3)
BLOCKS = (256, 1024, 4096)
INPUTS = ("whitened", "standardised")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
DEFAULT_SIZE = (0, 64, 256)
START = {"inputs": "whitened", "sigma": 0.03, "block": 1024}

#: First settings, and the values tried of each in this order.
GRIDS: dict[str, tuple[dict[str, Any], Grid]] = {
    **{
        name: (START, {"sigma": SIGMAS, "population": DEFAULT_SIZE, "block": BLOCKS, "inputs": INPUTS})
        for name in ("pycma", "cmaes", "ribs")
    },
    **{
        name: (
            {**START, "population": 32},
            {"sigma": SIGMAS, "population": (16, 64, 256), "block": BLOCKS, "inputs": INPUTS},
        )
        for name in ("fcmaes", "evosax-snes", "evosax-sepcma", "evosax-crfmnes", "evosax-cma")
    },
    **{
        name: (
            {**START, "population": 64, "rate": 0.01},
            {"rate": RATES, "sigma": SIGMAS, "population": (16, 256), "block": BLOCKS, "inputs": INPUTS},
        )
        for name in ("evosax-pgpe", "evosax-openes", "eggroll")
    },
    "nevergrad": (
        {**START, "population": 40},
        {"sigma": SIGMAS, "population": (1, 8), "block": BLOCKS, "inputs": INPUTS},
    ),
    **{
        f"adam-{inputs}": (
            {"inputs": inputs, "rate": 3e-3, "passes": 2, "batch": 1024},
            {"rate": (1e-3, 1e-2, 3e-2, 0.1), "passes": (0.5, 1, 4, 8), "batch": (256, 4096)},
        )
        for inputs in INPUTS
    },
}


def tune(problem: Problem, floor: Floor, method: str, cap: float, threads: int = 1) -> dict[str, Any]:
    """Search a method's grid; the result holds the chosen settings and everything that was tried."""
    spec = parse_method(method)
    first, grid = GRIDS[spec.name]
    best = first if not spec.rowwise else {**first, "population": first.get("population", 0) and 16}
    goal = 1.01 if spec.name.startswith("adam") else GOAL
    tried: list[tuple[dict[str, Any], tuple[float, float]]] = []

    def score(settings: dict[str, Any]) -> tuple[float, float]:
        asked = replace(spec, settings={**settings, **spec.settings})
        cell = run_cell(asked, problem, floor.loss, SEED, cap, threads, finer=1.15)
        tried.append((settings, rank(cell, floor.validation * goal)))
        return tried[-1][1]

    here = score(best)
    for name, values in grid.items():
        start = best
        for value in values:
            if value == start.get(name):
                continue
            there = score({**start, name: value})
            if there < here:
                best, here = {**start, name: value}, there
    return {"method": method, "chosen": best, "score": here, "cap": cap, "tried": tried}


def rank(cell: Cell, goal: float) -> tuple[float, float]:
    """CPU-seconds to the goal on validation, inf if it was not reached, and the best loss."""
    losses = [point.validation for point in cell.curve]
    seconds = [point.cpu for point in cell.curve if point.validation <= goal]
    return min(seconds, default=float("inf")), min(losses, default=float("inf"))


def main(h5: Path, name: str, out: Path, cap: float, methods: list[str]) -> None:
    """Tune several methods on a problem, and keep the results; methods that are in the file already are left out."""
    problem = load_problem(name, h5)
    kept = json.loads(out.read_text()) if out.exists() else {}
    floor = Floor(**kept["floor"])
    for method in methods:
        if method not in kept and not parse_method(method).missing():
            kept[method] = tune(problem, floor, method, cap)
            out.write_text(json.dumps(kept, indent=1))
            print(name, method, kept[method]["chosen"], kept[method]["score"], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])
