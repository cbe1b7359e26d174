"""Cells: what the clock counts, and when a kept one serves."""

import json
from dataclasses import replace
from itertools import pairwise
from math import inf

import pytest

from bench.peers import cells
from bench.peers.cells import Cell, Point, follow, run_cell
from bench.peers.methods import parse_method
from tests.support.peer_makers import FakeClock, Slow, make_problem


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


CELL = Cell("a/rows:2", "d", "rows:x=1", "mse", 3, {"block": 256}, 1, 5.0, "v1", (Point(1.0, 2.0, 3, inf, 0.5),))


def test_with_value__is_the_inverse_of_to_value_through_json():
    value = json.loads(json.dumps(CELL.to_value()))
    assert replace(CELL, curve=(), cap=9.0).with_value(value) == CELL


@pytest.mark.parametrize(
    "other", [{"settings": {"block": 512}}, {"digest": "e"}, {"version": "v2"}, {"threads": 2}, {"seed": 4}]
)
def test_key__is_another_for_another_run(other):
    assert replace(CELL, **other).key != CELL.key
    assert replace(CELL, cap=6.0, curve=(), failed="RuntimeError: no").key == CELL.key


def test_served_by__a_run_that_was_long_enough_and_did_not_fail():
    assert CELL.served_by(CELL.to_value())
    assert replace(CELL, cap=4.0).served_by(CELL.to_value())
    assert not replace(CELL, cap=6.0).served_by(CELL.to_value())
    assert not CELL.served_by(replace(CELL, failed="RuntimeError: no").to_value())
