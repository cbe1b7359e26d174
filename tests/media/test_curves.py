"""The curves of runs: which numbers are drawn, and that the picture can be read."""

from contextlib import contextmanager

import numpy as np
import pytest

from olacore.media import curves
from olacore.media.curves import Floors, draw_curves
from olacore.media.pictures import read_picture

RUNS = {
    "encoder": [{"seconds": s, "validation_loss": v} for s, v in ((0.1, 40.0), (0.5, 30.0), (20, 28.0))],
    "stack": [{"seconds": s, "validation_loss": v} for s, v in ((0.2, 0.5), (0.4, None), (10, 0.1))],
}
FLOORS = {"encoder": Floors(24.0, 80.0), "stack": Floors(0.2, 2.0)}


@pytest.fixture
def drawn(tmp_path, monkeypatch):
    """Draw runs and give the axes that were written, and the picture."""

    def draw(runs, floors):
        kept = []
        drawing = curves.drawing

        @contextmanager
        def kept_drawing(*arguments):
            with drawing(*arguments) as figure:
                kept.append(figure)
                yield figure

        monkeypatch.setattr(curves, "drawing", kept_drawing)
        draw_curves(runs, floors, tmp_path / "curves.png")
        (axes,) = kept[0].axes
        return axes, read_picture(tmp_path / "curves.png")

    return draw


def test_draw_curves__draws_shares_of_the_means_loss(drawn):
    axes, picture = drawn(RUNS, FLOORS)
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == ["mean of the targets", "encoder", "least squares, encoder", "stack", "least squares, stack"]
    np.testing.assert_allclose(lines["encoder"].get_xydata(), [(0.1, 0.5), (0.5, 0.375), (20, 0.35)])
    np.testing.assert_allclose(lines["stack"].get_xydata(), [(0.2, 0.25), (10, 0.05)])
    for name, share in (("mean of the targets", 1), ("least squares, encoder", 0.3), ("least squares, stack", 0.1)):
        np.testing.assert_allclose(lines[name].get_ydata(), share)
    for name in RUNS:
        assert lines[name].get_color() == lines[f"least squares, {name}"].get_color()
    assert lines["encoder"].get_color() != lines["stack"].get_color()
    assert np.ptp(picture) > 200


def test_draw_curves__does_not_depend_on_the_unit_of_a_run(drawn):
    _, picture = drawn(RUNS, FLOORS)
    other = [{**line, "validation_loss": line["validation_loss"] / 64} for line in RUNS["encoder"]]
    _, scaled = drawn({**RUNS, "encoder": other}, {**FLOORS, "encoder": Floors(24 / 64, 80 / 64)})
    np.testing.assert_array_equal(scaled, picture)


def test_draw_curves__shows_everything_and_the_legend_beside_it(drawn):
    axes, _ = drawn(RUNS, FLOORS)
    (first, last), (least, most) = axes.get_xlim(), axes.get_ylim()
    assert first < 0.1 < 20 < last
    assert least < 0.05 < 1 < most
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_legend().get_window_extent().x0 > axes.get_window_extent().x1


def test_draw_curves__of_a_run_without_any_finite_loss_shows_its_floors(drawn):
    axes, _ = drawn({"encoder": [{"seconds": 0.1, "validation_loss": None}]}, FLOORS)
    assert [len(line.get_xdata()) for line in axes.get_lines()] == [2, 0, 2]
