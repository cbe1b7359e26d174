"""Settings found one after the other."""

import json
from dataclasses import replace

import pytest

from bench.peers import tune
from bench.peers.cells import Cell, Point
from bench.peers.floors import Floor
from bench.peers.tune import AROUND, GRIDS, INPUTS, SIGMAS, rank
from tests.support.peer_makers import make_problem

FLOOR = Floor("p", "d", "mse", 1.0, 1.0, "least squares", {}, 2.0)
CELL = Cell("p", "d", "cmaes", "mse", 0, {}, 1, 1.0, "v", ())


@pytest.fixture
def cells(monkeypatch):
    """Searches that get there sooner the nearer the spread is to 0.1, on whitened inputs best."""
    tried: list[dict] = []

    def run(spec, problem, loss, seed, cap, threads, finer):
        tried.append(spec.settings)
        slow = abs(spec.settings["sigma"] - 0.1) + (spec.settings["inputs"] == "standardised")
        return replace(CELL, curve=(Point(1 + slow, 0, 0, 1.0, 1.0),))

    monkeypatch.setattr(tune, "run_cell", run)
    return tried


def test_tune__keeps_what_got_faster(cells):
    found = tune.tune(make_problem(), FLOOR, "cmaes", 1.0)
    assert found["chosen"]["inputs"] == "whitened"
    # The largest of the grid, and a last step up from there.
    assert found["chosen"]["sigma"] == pytest.approx(SIGMAS[1][-1] * AROUND[1])
    assert found["score"] == (pytest.approx(1.01), 1.0)
    assert len(found["tried"]) == len(cells)
    assert all(settings["inputs"] in INPUTS[1] for settings in cells)


def test_tune__what_was_asked_for_is_held(cells):
    tune.tune(make_problem(), FLOOR, "cmaes:block=512", 1.0)
    assert {settings["block"] for settings in cells} == {512}


def test_rank__is_the_time_to_the_goal_then_the_loss():
    cell = replace(CELL, curve=(Point(1, 1, 1, 1.2, 9), Point(2, 2, 2, 1.0, 9), Point(3, 3, 3, 1.1, 9)))
    assert rank(cell, 1.05) == (2, 1.0)
    assert rank(cell, 0.9) == (float("inf"), 1.0)
    assert rank(CELL, 1.0) == (float("inf"), float("inf"))


def test_main__goes_on_where_it_was(cells, tmp_path, monkeypatch):
    monkeypatch.setattr(tune, "load_problem", lambda name, h5: make_problem())
    monkeypatch.setattr(tune, "find_floor", lambda problem: FLOOR)
    monkeypatch.setattr("bench.peers.methods.find_spec", lambda name: name)
    out = tmp_path / "tuned.json"
    tune.main(tmp_path, "decoder-36-192", out, 1.0, ["cmaes"])
    first = json.loads(out.read_text())
    assert first["floor"]["source"] == "least squares"
    count = len(cells)
    tune.main(tmp_path, "decoder-36-192", out, 1.0, ["cmaes", "ribs"])
    assert json.loads(out.read_text())["cmaes"] == first["cmaes"]
    assert len(cells) == 2 * count


def test_grids__begin_at_settings_that_they_try():
    for start, grid in GRIDS.values():
        assert {name for name, _ in grid} <= {*start, "population"}
