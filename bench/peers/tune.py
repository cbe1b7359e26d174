"""Settings that serve a peer best: one setting after the other over a small grid, kept where the search got faster.

python -m bench.peers.tune DATA.h5 PROBLEM OUT.json SECONDS METHOD...: try, and write what was tried and chosen. What
counts is CPU-seconds to 1.05 of the floor on validation rows, or, where that is not reached, the loss at the end. The
seed is none of those that are reported.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

from bench.peers.cells import Cell, run_cell
from bench.peers.floors import Floor, find_floor
from bench.peers.methods import parse_method
from bench.peers.problems import Problem, Split, load_problem
from bench.peers.run import GOALS
from olacore.files import replace_file
from olacore.json_text import read_json
from olacore.kernels.layout import CHUNK

SEED = 1000
FINER = 1.25

Settings = dict[str, Any]
Grid = tuple[tuple[str, tuple[Any, ...]], ...]

SIGMAS = ("sigma", (0.003, 0.01, 0.03))
BLOCKS = ("block", (256, 4096))
INPUTS = ("inputs", ("standardised", "whitened"))
RATES = ("rate", (0.003, 0.01, 0.03, 0.1))
ADAM_RATES = ("rate", (0.001, 0.003, 0.01, 0.03))
#: A last look at both sides of what was chosen, once everything else is.
AROUND = (1 / 3, 3.0)
START: Settings = {"inputs": "standardised", "sigma": 0.01, "block": 1024}

#: First settings, and the values tried of each in this order; a population of 0 is the library's own choice. Inputs
#: are tried with every spread, or with every rate: which is better for one depends on the other.
GRIDS: dict[str, tuple[Settings, Grid]] = {
    **{name: (START, (SIGMAS, ("population", (0, 64)), BLOCKS)) for name in ("pycma", "cmaes", "ribs")},
    **{
        name: ({**START, "population": 32}, (SIGMAS, ("population", (16, 64)), BLOCKS))
        for name in ("fcmaes", "evosax-snes", "evosax-sepcma", "evosax-crfmnes", "evosax-cma")
    },
    **{
        name: ({**START, "population": 64, "rate": 0.01}, (RATES, SIGMAS, ("population", (16, 256)), BLOCKS))
        for name in ("evosax-pgpe", "evosax-openes", "eggroll")
    },
    "nevergrad": ({**START, "population": 40}, (SIGMAS, ("population", (1, 8)), BLOCKS)),
    **{
        f"adam-{inputs}": (
            {"inputs": inputs, "rate": 3e-3, "passes": 2, "batch": 1024},
            (ADAM_RATES, ("passes", (0.5, 1, 4, 8)), ("batch", (256, 4096))),
        )
        for inputs in INPUTS[1]
    },
}


def tune(problem: Problem, floor: Floor, method: str, cap: float, threads: int = 1) -> dict[str, Any]:
    """Search a method's grid; the result holds the chosen settings and everything that was tried."""
    spec = parse_method(method)
    best, grid = GRIDS[spec.name]
    goal = floor.validation * (GOALS[1] if spec.name.startswith("adam") else GOALS[0])
    tried: list[tuple[Settings, tuple[float, float]]] = []

    def score(settings: Settings) -> tuple[float, float]:
        asked = replace(spec, settings={**settings, **spec.settings})
        tried.append((settings, rank(run_cell(asked, problem, floor.loss, SEED, cap, threads, finer=FINER), goal)))
        return tried[-1][1]

    here = score(best)
    for number, (name, values) in enumerate((*grid, (grid[0][0], AROUND))):
        start = best
        # A setting is tried with both kinds of inputs only if it comes first.
        sides = INPUTS[1] if number == 0 and "adam" not in spec.name else (start["inputs"],)
        for inputs, value in product(sides, values):
            changed = float(f"{start[name] * value:.3g}") if values is AROUND else value
            settings = {**start, "inputs": inputs, name: changed}
            if all(settings != other for other, _ in tried) and (there := score(settings)) < here:
                best, here = settings, there
    return {"method": method, "chosen": best, "score": here, "cap": cap, "tried": tried}


def rank(cell: Cell, goal: float) -> tuple[float, float]:
    """CPU-seconds to the goal on validation, inf if it was not reached, and the best loss."""
    losses = [point.validation for point in cell.curve]
    seconds = [point.cpu for point in cell.curve if point.validation <= goal]
    return min(seconds, default=float("inf")), min(losses, default=float("inf"))


def main(h5: Path, name: str, out: Path, cap: float, methods: list[str]) -> None:
    """Tune several methods on a problem, and keep the results; methods that are in the file already are left out."""
    problem = load_problem(name, h5)
    kept = read_json(out, "what was tuned") if out.exists() else {"floor": find_floor(problem).to_dict()}
    floor = Floor(**kept["floor"])
    # Held-out rows have no say in this.
    problem = replace(problem, held_out=Split(problem.validation.inputs[:1], problem.validation.targets[:, :CHUNK]))
    for method in methods:
        if method not in kept and not parse_method(method).missing():
            kept[method] = tune(problem, floor, method, cap)
            replace_file(out, (json.dumps(kept, indent=1) + "\n").encode())
            print(name, method, kept[method]["chosen"], kept[method]["score"], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])
