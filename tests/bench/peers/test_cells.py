"""Cells: what the clock counts, what is kept, and what is read off a curve."""

import json
from dataclasses import replace
from itertools import pairwise
from math import inf

import numpy as np

from bench.peers import cells
from bench.peers.cells import Cell, Clock, Point, file_name, follow, run_cell
from bench.peers.curves import Curve, middle
from bench.peers.floors import find_floor
from bench.peers.method import Method
from bench.peers.methods import parse_method
from bench.peers.problems import Problem
from bench.peers.run import Parts, Work
from tests.support.peer_makers import make_problem


class FakeClock:
    """CPU-seconds that only go on when the method works or is measured."""

    now = 0.0

    def clock(self) -> Clock:
        return Clock(cpu=lambda: self.now, wall=lambda: 2 * self.now)


class Slow(Method):
    """A second to make, a second for every generation, 100 to be measured; better every time."""

    def __init__(self, problem: Problem, clock: FakeClock) -> None:
        super().__init__(problem, "mse", 0)
        self.clock, self.count = clock, 0
        clock.now += 1

    def advance(self) -> None:
        self.clock.now += 1
        self.count += 1

    def weights(self):
        return np.zeros((3, 5), np.float32), np.zeros(3, np.float32)

    def measure(self, split) -> float:
        self.clock.now += 50
        return 1 / self.count


def test_follow__counts_making_and_advancing_but_not_measuring():
    fake, curve = FakeClock(), []
    problem = make_problem()
    follow(lambda: Slow(problem, fake), problem, 10.0, curve, fake.clock(), finer=1.0)
    assert [point.cpu for point in curve] == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert [point.wall for point in curve] == [4, 6, 8, 10, 12, 14, 16, 18, 20]
    assert [point.generation for point in curve] == list(range(1, 10))


def test_follow__measures_more_rarely_as_time_goes_on():
    fake, curve = FakeClock(), []
    problem = make_problem()
    follow(lambda: Slow(problem, fake), problem, 100.0, curve, fake.clock(), finer=1.5)
    steps = [after.cpu / before.cpu for before, after in pairwise(curve)]
    assert min(steps[:-1]) >= 1.5
    assert curve[-1].cpu == 100


def test_run_cell__keeps_what_a_failing_method_reached(monkeypatch):
    class Failing(Slow):
        def advance(self):
            super().advance()
            if self.count > 5:
                raise RuntimeError("no more")

    fake = FakeClock()
    problem = make_problem()
    monkeypatch.setattr(cells, "make_method", lambda spec, problem, loss, seed: Failing(problem, fake))
    cell = run_cell(parse_method("classic"), problem, "mse", 0, 100.0, 1, fake.clock(), finer=1.0)
    assert cell.failed == "RuntimeError: no more"
    assert len(cell.curve) == 5


def test_cell__comes_back_and_serves_equal_requests_only(tmp_path):
    points = (Point(1.0, 2.0, 3, inf, 0.5),)
    cell = Cell("a/rows:2", "d", "rows:x=1", "mse", 3, {"block": 256}, 1, 5.0, "v1", points)
    cell.save(tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.name == file_name("a/rows:2", "rows:x=1", "mse", 3)
    assert Cell.load(path) == cell
    asked = replace(cell, curve=())
    assert cell.serves(asked)
    assert cell.serves(replace(asked, cap=4.0))
    for other in ({"cap": 6.0}, {"settings": {"block": 512}}, {"digest": "e"}, {"version": "v2"}, {"threads": 2}):
        assert not cell.serves(replace(asked, **other))
    assert not replace(cell, failed="RuntimeError: no").serves(asked)
    path.write_text(json.dumps({"schema": "other"}))
    assert Cell.load(path) is None
    assert Cell.load(tmp_path / "none") is None


def test_curve__stands_for_the_best_on_validation():
    points = (Point(1, 2, 1, 0.9, 1.2), Point(2, 4, 2, 0.5, 1.04), Point(3, 6, 3, 0.6, 0.9), Point(4, 8, 4, 0.4, 1.0))
    cell = Cell("a", "d", "rows", "mse", 0, {}, 1, 4.0, "v1", points)
    curve = Curve.of(cell, floor=1.0)
    assert curve.ratio == (1.2, 1.04, 1.04, 1.0)
    assert [curve.seconds_to(goal) for goal in (1.3, 1.05, 1.01, 0.99)] == [1, 2, 4, inf]
    assert [curve.at(seconds) for seconds in (0.5, 2.5, 4)] == [inf, 1.04, 1.0]
    assert curve.at(7.0, wall=True) == 1.04
    assert curve.lowest == 1.0
    assert curve.thinned(2.0) == [(1, 1.2), (2, 1.04), (4, 1.0)]
    # Stopped at 4 s, it has nothing to say of later; had it ended by itself, it would stay where it was.
    assert curve.at(9.0) == inf
    assert Curve.of(replace(cell, cap=50.0), floor=1.0).at(9.0) == 1.0


def test_middle__counts_what_was_not_reached_as_late():
    assert middle([1.0, inf, 2.0]) == 2.0
    assert middle([1.0, inf, inf]) == inf
    assert middle([]) == inf


def test_find_floor__chooses_on_validation(monkeypatch):
    monkeypatch.setattr("bench.peers.floors.RATES", (0.01, 0.05))
    problem = make_problem()
    floor = find_floor(problem, passes=20)
    assert floor.candidates.keys() == {"least squares", "Adam 0.01", "Adam 0.05"}
    assert floor.validation == min(validation for validation, _ in floor.candidates.values())
    assert floor.held_out == floor.candidates[floor.source][1]
    assert floor.held_out < 0.2 * floor.mean


def test_work__a_peers_cap_is_a_multiple_of_our_time(tmp_path, monkeypatch):
    work = make_work(tmp_path, monkeypatch)
    work.run()
    own = work.own_seconds("decoder-36-192", 1.05)
    caps = {request.method: cell.cap for request, cell in work.cells}
    assert own == 4.0
    assert caps == {"rows": 30.0, "classic": 200.0}


def test_work__a_second_call_runs_only_what_is_missing(tmp_path, monkeypatch):
    first, second = make_work(tmp_path, monkeypatch), make_work(tmp_path, monkeypatch)
    first.run()
    made = len(list((tmp_path / "cells").iterdir()))
    said: list[str] = []
    second.say = said.append
    second.run()
    assert said == []
    assert len(second.cells) == len(first.cells) == made == 4
    second.plan = type(second.plan)(("decoder-36-192",), ("decoder-36-192",), ("classic",), 3, ("peers",))
    second.cells = []
    second.run()
    assert len(said) == 2  # the third seed of both


def make_work(folder, monkeypatch) -> Work:
    """Two methods on a small problem, whose time goes by generations."""
    from bench.peers import run
    from bench.peers.data import Room
    from bench.peers.plan import Plan

    problem, fake = make_problem(), FakeClock()
    monkeypatch.setattr(Room, "find", lambda self, name, say: folder)
    monkeypatch.setattr(Parts, "get", lambda self, name: problem)
    monkeypatch.setattr("bench.peers.floors.RATES", (0.05,))
    monkeypatch.setattr(cells, "make_method", lambda spec, problem, loss, seed: Slow(problem, fake))
    plain = run_cell

    def run_fake(spec, problem, loss, seed, cap, threads):
        return plain(spec, problem, loss, seed, cap, threads, fake.clock(), 1.0)

    monkeypatch.setattr(run, "run_cell", run_fake)
    floor = find_floor(problem, passes=2)
    monkeypatch.setattr(run, "find_floor", lambda *args: type(floor)(**{**floor.to_dict(), "held_out": 1 / 3.1}))
    plan = Plan(("decoder-36-192",), ("decoder-36-192",), ("classic",), 2, ("peers",))
    return Work(folder, Room(folder), plan, own_cap=30.0)
