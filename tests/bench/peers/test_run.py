"""A comparison in a folder: caps, and what a second call runs."""

from bench.peers import cells, run
from bench.peers.cells import run_cell
from bench.peers.data import DataFolders
from bench.peers.floors import find_floor
from bench.peers.plan import Plan
from bench.peers.run import Comparison, LoadedProblem
from tests.support.peer_makers import FakeClock, Slow, make_problem


def test_run__a_peers_cap_is_a_multiple_of_our_time(tmp_path, monkeypatch):
    comparison = make_comparison(tmp_path, monkeypatch)
    comparison.run()
    own = comparison.own_seconds("decoder-36-192", 1.05)
    caps = {request.method: cell.cap for request, cell in comparison.cells}
    assert own == 4.0
    assert caps == {"rows": 30.0, "classic": 200.0}


def test_run__a_second_call_runs_only_what_is_missing(tmp_path, monkeypatch):
    first, second = make_comparison(tmp_path, monkeypatch), make_comparison(tmp_path, monkeypatch)
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


def make_comparison(folder, monkeypatch) -> Comparison:
    """Two methods on a small problem, whose time goes by generations."""
    problem, fake = make_problem(), FakeClock()
    monkeypatch.setattr(DataFolders, "find", lambda self, name, say: folder)
    monkeypatch.setattr(LoadedProblem, "get", lambda self, name: problem)
    monkeypatch.setattr("bench.peers.floors.RATES", (0.05,))
    monkeypatch.setattr(cells, "make_method", lambda spec, problem, loss, seed: Slow(problem, fake))
    plain = run_cell

    def run_fake(spec, problem, loss, seed, cap, threads):
        return plain(spec, problem, loss, seed, cap, threads, fake.clock(), 1.0)

    monkeypatch.setattr(run, "run_cell", run_fake)
    floor = find_floor(problem, passes=2)
    monkeypatch.setattr(run, "find_floor", lambda *args: type(floor)(**{**floor.to_dict(), "held_out": 1 / 3.1}))
    plan = Plan(("decoder-36-192",), ("decoder-36-192",), ("classic",), 2, ("peers",))
    return Comparison(folder, DataFolders(folder), plan, own_cap=30.0)


def test_run__says_what_is_left_out(tmp_path, monkeypatch):
    comparison = make_comparison(tmp_path, monkeypatch)
    monkeypatch.setattr("bench.peers.methods.find_spec", lambda name: None)
    comparison.plan = Plan(("decoder-36-192",), ("decoder-36-192",), ("cmaes",), 1, ("peers",))
    comparison.run()
    monkeypatch.setattr(DataFolders, "find", lambda self, name, say: None)
    comparison.run()
    assert comparison.left_out == {"cmaes, SepCMA: cmaes is not installed.", "decoder-36-192: its data set is missing."}


def test_floor__is_found_again_for_other_data(tmp_path, monkeypatch):
    found: list[int] = []
    comparison = make_comparison(tmp_path, monkeypatch)
    find = run.find_floor
    monkeypatch.setattr(run, "find_floor", lambda *asked: found.append(1) or find(*asked))
    comparison.run()
    assert found == [1]
    again = make_comparison(tmp_path, monkeypatch)
    monkeypatch.setattr(run, "find_floor", lambda *asked: found.append(1) or find(*asked))
    again.run()
    assert found == [1]
    again.floors, again.floor_passes = {}, 7
    again.run()
    assert found == [1, 1]


def test_loaded_problem__keeps_the_whole_and_the_last_part(monkeypatch):
    loaded: list[str] = []
    problem = make_problem(inputs=6, rows=2048)
    monkeypatch.setattr(run, "load_problem", lambda name, path: loaded.append(name) or problem)
    problems = LoadedProblem("decoder-36-192", None)
    part = problems.get("decoder-36-192/inputs:2")
    assert part.inputs == 3
    assert problems.get("decoder-36-192/inputs:2") is part
    assert problems.get("decoder-36-192") is problem
    assert loaded == ["decoder-36-192"]
