"""The whole command on the shipped sample with tiny caps, and what it writes."""

import io
import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.peers.__main__ import hold_threads, main
from bench.peers.command import compare
from bench.peers.summary import best_peer, doublings, find, times
from bench.peers.targets import over
from bench.speed.report import Target
from tests.support.makers import JIT

needs_jit = pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")


@needs_jit
def test_compare__runs_to_the_end_with_tiny_caps(tmp_path):
    console = Console(width=180, record=True, file=io.StringIO())
    name = "decoder-36-192"
    asked = {
        "data": tmp_path / "data",
        "photos": tmp_path / "none",
        "models": tmp_path / "none",
        "problems": [name],
        "contested": [name],
        "peers": ["eggroll", "classic", "cmaes/rowwise"],
        "parts": ["ours", "peers", "ablations", "losses"],
        "seeds": 1,
        "own_cap": 0.05,
        "cap": 0.02,
        "floor_passes": 1,
        "name": "peers",
        "console": console,
    }
    report = compare(tmp_path / "work", tmp_path / "results", **asked)
    shown = console.export_text()
    for words in (f"{name}: floor", "rank-1 antithetic ES", "least squares", "trust switched off", "written:"):
        assert words in shown
    stored = json.loads((tmp_path / "results" / "peers.json").read_text())
    assert stored["methods"] == json.loads(json.dumps(report["methods"]))
    assert {row["seeds"] for row in stored["methods"]} == {1}
    assert (tmp_path / "results" / "peers.png").read_bytes()[:4] == b"\x89PNG"
    again = compare(tmp_path / "work", tmp_path / "results", **asked)
    assert again["methods"] == report["methods"]


def test_command__explains_itself():
    done = subprocess.run([sys.executable, "-m", "bench.peers", "--help"], capture_output=True, text=True, check=True)
    assert "Work folder, which keeps floors and cells" in done.stdout


def test_command__says_what_is_wrong_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.peers.__main__.hold_threads", lambda threads: None)
    result = CliRunner().invoke(main, ["--out", str(tmp_path), "--part", "speed"])
    assert result.exit_code == 1
    assert "there is no part 'speed'; there are ours, peers, ablations, growth, losses." in result.output


def row(method: str, seconds: float | None, lowest: float = 1.0, peer: bool = True, problem: str = "p") -> dict:
    return {
        "problem": problem,
        "loss": "mse",
        "method": method,
        "peer": peer,
        "cap": 50.0,
        "seconds to 1.05": {"median": seconds},
        "lowest": {"median": lowest},
    }


def test_best_peer__is_the_first_or_the_nearest():
    rows = [row("rows", 1.0, peer=False), row("a", None, 1.2), row("b", None, 1.1), row("c", 9.0, 1.04)]
    assert best_peer(rows, "p", 1.05) == rows[3]
    assert best_peer(rows[:3], "p", 1.05) == rows[2]
    assert best_peer(rows[:1], "p", 1.05) is None
    assert find(rows, "p", "b") == rows[2]
    assert find(rows, "q", "b") is None


def test_times__says_when_a_method_was_stopped():
    assert times(10.0, 2.0, 60.0) == {"ratio": 5.0, "at_least": False}
    assert times(float("inf"), 2.0, 60.0) == {"ratio": 30.0, "at_least": True}
    assert times(float("inf"), 0.1, 60.0) == {"ratio": 50.0, "at_least": True}
    assert times(1.0, float("inf"), 60.0) is None
    assert times(float("inf"), 1.0, float("inf")) is None


def test_over__uses_the_cap_where_a_goal_was_not_reached():
    assert over(row("a", 6.0), row("b", 2.0), 1.05) == 3.0
    assert over(row("a", None), row("b", 2.0), 1.05) == 25.0
    assert over(row("a", 6.0), row("b", None), 1.05) is None
    assert over(None, row("b", 2.0), 1.05) is None


def test_doublings__fits_a_power():
    rows = [row("rows", 8.0), row("rows", 2.0, problem="p/inputs:2"), row("rows", 0.5, problem="p/inputs:4")]
    (found,) = doublings(rows, "rows")
    assert found["exponent"] == 2.0
    assert found["seconds"] == {"1/4": 0.5, "1/2": 2.0, "1/1": 8.0}


def test_target__a_single_genome_has_to_be_no_faster():
    assert Target("a single genome", 1.0, True, "", 0.9).met is False


def test_hold_threads__starts_again_once(monkeypatch):
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append(arguments))
    monkeypatch.setattr("os.environ", {})
    monkeypatch.setattr("sys.argv", ["peers", "--out", "x"])
    hold_threads(2)
    assert os.environ["NUMBA_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "2"
    hold_threads(2)
    assert [arguments[1:] for arguments in started] == [["-m", "bench.peers", "--out", "x"]]
