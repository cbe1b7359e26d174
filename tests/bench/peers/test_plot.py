"""Curves of methods."""

import json

import pytest

from bench.common import RESULTS
from bench.peers.plot import LOWEST, draw, is_drawn, median_curve, panel_of, style_of


@pytest.fixture(scope="module")
def report():
    return json.loads((RESULTS / "2026-11-24-peers.json").read_text())


def test_panel_of__draws_ours_peers_and_orientation_but_no_ablation(report):
    panel = panel_of(report, "encoder-768-4")
    labels = [curve.label for curve in panel.curves]
    assert {"rows", "cmaes, SepCMA", "least squares", "classic"} <= set(labels)
    assert "rows, population 1" not in labels
    assert panel.log
    assert [round(level.height, 3) for level in panel.levels] == [0.05, 0.01]
    (ours,) = (curve for curve in panel.curves if curve.label == "rows")
    assert ours.style["color"] == "black"


def test_draw__writes_a_panel_for_each_contested_problem(report, tmp_path):
    few = [row for row in report["methods"] if row["method"] in ("rows", "cmaes", "mean")]
    draw({**report, "methods": few}, tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"


def test_style_of__marks_orientation_and_closed_forms():
    row = {"orientation": True, "curves": [[(1, 1.5)]]}
    style = style_of(row, 3, own=False)
    assert (style["color"], style["linestyle"], style["marker"]) == ("C3", "--", "o")
    assert style_of({"orientation": False, "curves": [[(1, 2), (2, 1)]]}, 12, own=False)["linestyle"] == ":"


def test_is_drawn__asks_for_peers_and_the_default():
    assert is_drawn({"peer": True, "method": "x"}, {"default": "rows"})
    assert is_drawn({"peer": False, "method": "rows"}, {"default": "rows"})
    assert not is_drawn({"peer": False, "method": "mean"}, {"default": "rows"})


def test_median_curve__is_of_the_middle_seed_and_stays_above_the_floor():
    curves = [[(1, 3.0), (2, 1.5)], [(1, 2.0), (2, 1.0)], [], [(1, float("inf")), (2, 1.2)]]
    assert median_curve({"curves": curves}) == [(2, pytest.approx(0.2))]
    assert median_curve({"curves": curves[1:2]}) == [(1, 1.0), (2, LOWEST)]
    assert median_curve({"curves": [[]]}) == []
