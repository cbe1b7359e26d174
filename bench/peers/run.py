"""Run what is missing of a plan, and keep every floor and cell in a folder as soon as it is there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.common.cells import Cells
from bench.common.threads import limit_threads
from bench.peers.cells import Cell, empty_cell, run_cell
from bench.peers.curves import Curve, middle
from bench.peers.data import DataFolders
from bench.peers.floors import Floor, find_floor, usual_passes
from bench.peers.methods import Spec, parse_method
from bench.peers.plan import Plan, Request
from bench.peers.problems import Problem, load_problem

# A peer is stopped after so many times our own CPU-seconds to the first of these shares of the floor.
TIMES = 50
GOALS = (1.05, 1.01)


@dataclass
class Comparison:
    """A comparison in a folder.

    Parameters
    ----------
    folder : of cells and floors
    data : that data sets come from
    plan : what is wanted
    own_cap : CPU-seconds of our own cells, and of what is measured beside them
    cap : CPU-seconds of a peer; None takes `TIMES` our own time
    threads : of kernels and products
    say : takes sentences
    floor_passes : of Adam for the floors; 0 takes the number for the problem's size
    """

    folder: Path
    data: DataFolders
    plan: Plan
    own_cap: float = 60.0
    cap: float | None = None
    threads: int = 1
    say: Callable[[str], object] = lambda text: None
    floor_passes: int = 0
    floors: dict[tuple[str, str], Floor] = field(default_factory=dict)
    cells: list[tuple[Request, Cell]] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Go through all problems of the plan; what is in the folder already is read."""
        with limit_threads(self.threads, torch=False):
            for name in self.plan.problems:
                path = self.data.find(name, self.say)
                if path is None:
                    self.left_out.add(f"{name}: its data set is missing.")
                    continue
                self._run_problem(LoadedProblem(name, path))

    def _run_problem(self, loaded: LoadedProblem) -> None:
        for request in self.plan.requests(loaded.name):
            spec = parse_method(request.method)
            if package := spec.missing():
                self.left_out.add(f"{spec.title}: {package} is not installed.")
                continue
            problem = loaded.get(request.problem)
            floor = self._floor(problem, request.loss)
            self.cells.append((request, self._cell(request, spec, problem, floor)))

    def _cell(self, request: Request, spec: Spec, problem: Problem, floor: Floor) -> Cell:
        cap = self._cap_of(request)
        asked = empty_cell(spec, problem, request.loss, request.seed, cap, self.threads)

        def measure() -> dict[str, Any]:
            cell = run_cell(spec, problem, request.loss, request.seed, cap, self.threads)
            lowest = Curve.of(cell, floor.held_out).lowest
            reached = cell.failed or f"{lowest:.4f} of the floor within {cell.cap:.3g} CPU-seconds"
            self.say(f"{request.problem} {request.loss} {request.method} seed {request.seed}: {reached}")
            return cell.to_value()

        value = Cells(self.folder / "cells").get(asked.name, asked.key, measure, asked.served_by)
        assert value is not None
        return asked.with_value(value)

    def _cap_of(self, request: Request) -> float:
        if not request.against_ours:
            return self.own_cap
        if self.cap is not None:
            return self.cap
        own = self.own_seconds(request.problem, GOALS[0])
        return TIMES * own if own < float("inf") else self.own_cap

    def own_seconds(self, problem: str, goal: float) -> float:
        """Median CPU-seconds of our default to a share of the floor, over its seeds; inf where it is not reached."""
        floor = self.floors[problem, "mse"]
        return middle(
            Curve.of(cell, floor.held_out).seconds_to(goal)
            for request, cell in self.cells
            if (request.problem, request.method, request.loss) == (problem, self.plan.default, "mse")
        )

    def _floor(self, problem: Problem, loss: str) -> Floor:
        if (problem.name, loss) not in self.floors:
            passes = self.floor_passes or usual_passes(problem)
            key = {"problem": problem.name, "digest": problem.digest, "loss": loss, "passes": passes}

            def measure() -> dict[str, Any]:
                return find_floor(problem, loss, passes, self.say).to_dict()

            value = Cells(self.folder / "floors").get(f"{problem.name}__{loss}", key, measure)
            assert value is not None
            self.floors[problem.name, loss] = Floor(**value)
        return self.floors[problem.name, loss]


@dataclass
class LoadedProblem:
    """A problem and parts of it, in memory while they are needed: the whole, and the last part."""

    name: str
    path: Path
    whole: Problem | None = None
    last: Problem | None = None

    def get(self, name: str) -> Problem:
        """The problem of that name: the whole, or `whole/side:share`."""
        if self.whole is None:
            self.whole = load_problem(self.name, self.path)
        if name == self.name:
            return self.whole
        if self.last is None or self.last.name != name:
            side, _, share = name.removeprefix(f"{self.name}/").partition(":")
            self.last = self.whole.part(side, int(share))
        return self.last
