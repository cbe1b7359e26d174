"""Curves in panels."""

import matplotlib.figure
import pytest

from bench.common.plot import Curve, Level, Panel, draw_panel, draw_panels
from olacore.errors import OutputError
from olacore.media.pictures import read_picture

CURVES = (Curve("ours", [(1, 0.5), (10, 0.1)], {"color": "black"}), Curve("nothing", []))
PANEL = Panel("a", "seconds", "loss", CURVES, [Level(0.2, "floor"), Level(0.3)], log=True)


def test_draw_panel__has_all_curves_levels_and_axes():
    axes = matplotlib.figure.Figure().add_subplot()
    draw_panel(PANEL, axes)
    ours, nothing, floor, unnamed = axes.lines
    assert list(ours.get_xdata()) == [1, 10]
    assert ours.get_color() == "black"
    assert len(nothing.get_xdata()) == 0
    assert list(floor.get_ydata()) == [0.2, 0.2]
    assert list(unnamed.get_ydata()) == [0.3, 0.3]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ours", "nothing", "floor"]
    assert (axes.get_xscale(), axes.get_yscale(), axes.get_title()) == ("log", "log", "a")
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("seconds", "loss")


def test_draw_panel__shows_the_bounds_that_are_asked_for():
    axes = matplotlib.figure.Figure().add_subplot()
    draw_panel(Panel("a", "x", "y", CURVES, bounds=(-1.0, 2.0)), axes)
    assert axes.get_ylim() == (-1.0, 2.0)
    assert axes.get_xscale() == "linear"


def test_draw_panels__makes_a_picture_of_lines_of_panels(tmp_path):
    draw_panels([PANEL] * 3, tmp_path / "a.png", columns=2, size=(2, 1))
    assert read_picture(tmp_path / "a.png").shape == (220, 440, 3)
    draw_panels([PANEL], tmp_path / "b.png", columns=2, size=(2, 1))
    assert read_picture(tmp_path / "b.png").shape == (110, 220, 3)


def test_draw_panels__says_where_it_cannot_write(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write .*none/a\.png"):
        draw_panels([PANEL], tmp_path / "none" / "a.png", columns=1, size=(2, 1))
