"""Run what is missing of a plan, and keep every floor and cell in a folder as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from threadpoolctl import threadpool_limits

from bench.peers.cells import Cell, empty_cell, file_name, run_cell
from bench.peers.curves import Curve, middle
from bench.peers.data import Room
from bench.peers.floors import Floor, find_floor, usual_passes
from bench.peers.methods import parse_method
from bench.peers.plan import Plan, Request
from bench.peers.problems import Problem, load_problem
from olacore.embed.checked import threads as kernel_threads
from olacore.files import replace_file

# A peer is stopped after so many times our own CPU-seconds to the first of these shares of the floor.
TIMES = 50
GOALS = (1.05, 1.01)


@dataclass
class Work:
    """A comparison in a folder.

    Parameters
    ----------
    folder : of cells and floors
    room : that data sets come from
    plan : what is wanted
    own_cap : CPU-seconds of our own cells, and of what is measured beside them
    cap : CPU-seconds of a peer; None takes `TIMES` our own time
    threads : of kernels and products
    say : takes sentences
    floor_passes : of Adam for the floors; 0 takes the number for the problem's size
    """

    folder: Path
    room: Room
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
        (self.folder / "cells").mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            stack.enter_context(kernel_threads(self.threads))
            stack.enter_context(threadpool_limits(self.threads, user_api="blas"))
            for name in self.plan.problems:
                path = self.room.find(name, self.say)
                if path is None:
                    self.left_out.add(f"{name}: its data set is missing.")
                    continue
                self._run_problem(Parts(name, path))

    def _run_problem(self, parts: Parts) -> None:
        for request in self.plan.requests(parts.name):
            spec = parse_method(request.method)
            if package := spec.missing():
                self.left_out.add(f"{spec.title}: {package} is not installed.")
                continue
            problem = parts.get(request.problem)
            floor = self._floor(problem, request.loss)
            cap = self._cap_of(request)
            path = self.folder / "cells" / file_name(request.problem, request.method, request.loss, request.seed)
            cell = Cell.load(path)
            asked = empty_cell(spec, problem, request.loss, request.seed, cap, self.threads)
            if cell is None or not cell.serves(asked):
                cell = run_cell(spec, problem, request.loss, request.seed, cap, self.threads)
                cell.save(self.folder / "cells")
                lowest = Curve.of(cell, floor.held_out).lowest
                reached = cell.failed or f"{lowest:.4f} of the floor within {cell.cap:.3g} CPU-seconds"
                self.say(f"{request.problem} {request.loss} {request.method} seed {request.seed}: {reached}")
            self.cells.append((request, cell))

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
        key = problem.name, loss
        if key not in self.floors:
            path = self.folder / file_name(problem.name, "floor", loss, 0)
            found = load_floor(path)
            passes = self.floor_passes or usual_passes(problem)
            if found is None or (found.digest, found.passes) != (problem.digest, passes):
                found = find_floor(problem, loss, self.floor_passes, self.say)
                replace_file(path, (json.dumps(found.to_dict(), indent=1) + "\n").encode())
            self.floors[key] = found
        return self.floors[key]


def load_floor(path: Path) -> Floor | None:
    """Read a floor; None if there is nothing, or something else."""
    try:
        return Floor(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


@dataclass
class Parts:
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
