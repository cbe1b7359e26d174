"""The whole command on the shipped sample with tiny caps, and what it writes."""

import io
import json

import pytest
from rich.console import Console

from bench.peers.command import compare, make_plan
from tests.support.makers import JIT


@pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")
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


def test_make_plan__changes_what_was_asked_for():
    plan = make_plan(["encoder-768-4"], [], [], [], "classic", "sigma=1", 2)
    assert (plan.problems, plan.default, plan.seeds) == (("encoder-768-4",), "classic", 2)
    assert len(plan.peers) > 5
    assert [ablation.settings for ablation in plan.ablations] == ["sigma=1", "population=1"]
