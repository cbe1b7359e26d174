"""Evolution and backprop on the same seconds."""

from itertools import pairwise

import pytest

from bench.common.cells import Cells
from bench.ovae.backprop import Case, compare, summarise
from bench.ovae.command import run
from bench.ovae.recipes import chosen
from olacore.errors import ConfigError
from tests.support.ovae_makers import make_workspace

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.mark.parametrize("name", ["codec4-pair", "sd15-decoder"])
def test_compare__gives_both_sides_the_same_seconds_and_draws_them(done, name, tmp_path):
    pytest.importorskip("torch")
    workspace, *_ = done
    asked = {"names": (name,), "rates": (1e-3, 1e-2), "threads": 1, "pretrained": tmp_path}
    report = run(workspace, tmp_path / "r.json", ("backprop", "report"), **asked)
    (case,) = report["backprop"]
    assert case["case"] == {"codec4-pair": "codec4-decoder"}.get(name, name)
    assert case["unit"] == "dB"
    end = case["evolved"][-1][0]
    for curve in case["backprop"].values():
        assert curve[-1][0] >= end
        assert all(before[0] <= after[0] for before, after in pairwise(curve))
    assert case["backprop"][case["best_rate"]][-1][1] == max(curve[-1][1] for curve in case["backprop"].values())
    assert case["gain"] == case["evolved"][-1][1] - case["affine"]
    assert (tmp_path / "r-curves.png").stat().st_size > 1000
    assert f"| {case['case']}, dB |" in (tmp_path / "r.md").read_text()


def test_compare__needs_the_encoder_of_a_pair(tmp_path):
    workspace = make_workspace(tmp_path)
    (pair,) = chosen(["codec4-pair"])
    with pytest.raises(ConfigError, match="codec4-decoder needs its encoder in .*encoder; run the part train first"):
        compare(Case(pair), 0, workspace, Cells(tmp_path / "cells"), str, ())
    assert compare(Case(pair), 0, workspace, Cells(tmp_path / "cells", frozen=True), str, ()) is None


def test_summarise__takes_the_best_rate():
    evolved = {"curve": [[1.0, 25.0], [9.0, 26.0]], "affine": 25.0, "unit": "dB"}
    curves = {"0.001": [[9.0, 25.5]], "0.01": [[9.0, 27.0]]}
    found = summarise("a", 0, evolved, curves)
    assert (found["best_rate"], found["gain"], found["backprop_gain"], found["ratio"]) == ("0.01", 1.0, 2.0, 0.5)
    for none in ({}, {"0.001": [[9.0, 24.0]]}):
        assert summarise("a", 0, evolved, none)["ratio"] is None
