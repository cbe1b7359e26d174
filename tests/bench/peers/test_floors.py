"""The floor of a problem."""

import pytest

from bench.peers.floors import PASSES, SMALL_PASSES, find_floor, is_small, usual_passes
from tests.support.peer_makers import make_problem


def test_find_floor__chooses_on_validation(monkeypatch):
    monkeypatch.setattr("bench.peers.floors.RATES", (0.01, 0.05))
    problem = make_problem()
    floor = find_floor(problem, passes=20)
    assert floor.candidates.keys() == {"least squares", "Adam 0.01", "Adam 0.05"}
    assert floor.validation == min(validation for validation, _ in floor.candidates.values())
    assert floor.held_out == floor.candidates[floor.source][1]
    assert floor.held_out < 0.2 * floor.mean


@pytest.mark.parametrize(("rows", "small"), [(256, True), (8192, False)])
def test_usual_passes__are_more_over_few_rows(rows, small):
    problem = make_problem(inputs=40, rows=rows)
    assert is_small(problem) is small
    assert usual_passes(problem) == (SMALL_PASSES if small else PASSES)


def test_find_floor__tries_shrinkages_where_rows_are_few(monkeypatch):
    monkeypatch.setattr("bench.peers.floors.SMALL_RATES", (0.01,))
    monkeypatch.setattr("bench.peers.floors.SHRINKAGES", (0.0, 0.5))
    said: list[str] = []
    floor = find_floor(make_problem(inputs=40, rows=256), passes=2, report=said.append)
    assert list(floor.candidates) == ["least squares", "Adam 0.01, shrinkage 0", "Adam 0.01, shrinkage 0.5"]
    assert floor.passes == 2
    assert "Adam 0.01, shrinkage 0.5: validation" in said[1]
