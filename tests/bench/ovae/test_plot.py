"""Curves of evolution and backprop."""

import json

from bench.common import RESULTS
from bench.ovae.plot import draw, limits, panel_of


def test_panel_of__has_every_rate_evolution_and_least_squares():
    report = json.loads((RESULTS / "2026-11-25-ovae.json").read_text())
    case = report["backprop"][0]
    panel = panel_of(case)
    labels = [curve.label for curve in panel.curves]
    assert labels[-1] == "evolved"
    assert f"backprop, rate {case['best_rate']} (best)" in labels
    assert len(labels) == len(case["backprop"]) + 1
    assert panel.levels[0].height == case["affine"]
    assert panel.y == "held-out PSNR, dB"
    assert panel.bounds[0] < case["affine"] < panel.bounds[1]


def test_draw__takes_the_first_seed_of_a_case(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("bench.ovae.plot.draw_panels", lambda panels, path, columns, size: drawn.extend(panels))
    case = {"case": "a", "unit": "R2", "affine": 0.5, "evolved": [[1, 0.6]], "backprop": {}, "best_rate": None}
    draw([case, {**case, "evolved": [[1, 0.7]]}, {**case, "case": "b"}], tmp_path / "a.png")
    assert [panel.title for panel in drawn] == ["a", "b"]
    assert drawn[0].curves[-1].points == [[1, 0.6]]


def test_limits__leave_a_margin_even_where_all_is_equal():
    case = {"affine": 0.5, "evolved": [[1, 0.5]], "backprop": {}}
    low, high = limits(case)
    assert low < 0.5 < high
