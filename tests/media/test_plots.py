"""The style of plots: what it sets, what it writes, and that it leaves matplotlib's settings alone."""

import numpy as np
import pytest

from olacore.errors import OutputError
from olacore.media.pictures import read_picture
from olacore.media.plots import DPI, add_legend, drawing, make_logarithmic, style


def test_drawing__writes_a_picture_of_the_size_that_was_asked_for(tmp_path):
    with drawing(tmp_path / "a.png", 4, 2) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1])
    picture = read_picture(tmp_path / "a.png")
    assert picture.shape == (2 * DPI, 4 * DPI, 3)
    assert np.ptp(picture) > 200


def test_drawing__leaves_no_file_behind_where_drawing_failed(tmp_path):
    with pytest.raises(ZeroDivisionError), drawing(tmp_path / "a.png", 4, 2):
        1 / 0  # noqa: B018
    assert not [*tmp_path.iterdir()]


def test_drawing__says_where_nothing_can_be_written(tmp_path):
    with pytest.raises(OutputError, match="cannot write"), drawing(tmp_path / "no" / "a.png", 4, 2):
        pass


def test_style__changes_these_axes_only(tmp_path):
    import matplotlib

    matplotlib.get_backend()  # or it is chosen between the two copies
    before = matplotlib.rcParams.copy()
    with drawing(tmp_path / "a.png", 4, 2) as figure:
        ours, plain = figure.subplots(1, 2)
        style(ours)
        assert [name for name, spine in ours.spines.items() if spine.get_visible()] == ["left", "bottom"]
        assert all(spine.get_visible() for spine in plain.spines.values())
    assert matplotlib.rcParams == before


def test_make_logarithmic__labels_plain_numbers(tmp_path):
    with drawing(tmp_path / "a.png", 4, 3) as figure:
        axes = figure.add_subplot()
        make_logarithmic(axes)
        axes.plot([0.04, 70], [0.01, 1])
    within = [label.get_text() for label in axes.get_xticklabels() if 0.04 <= label.get_position()[0] <= 70]
    assert within == ["0.05", "0.1", "0.2", "0.3", "0.5", "1", "2", "3", "5", "10", "20", "30", "50"]
    assert axes.get_yscale() == "log"
    assert not len(axes.xaxis.get_minorticklocs())


def test_add_legend__stands_outside_the_axes_and_inside_the_picture(tmp_path):
    with drawing(tmp_path / "a.png", 6, 3) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [1, 1], label="a curve with a long name")
        add_legend(axes)
    legend = axes.get_legend().get_window_extent()
    assert legend.x0 > axes.get_window_extent().x1
    assert legend.x1 <= figure.bbox.x1
