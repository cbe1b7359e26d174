"""Axes that can be read, and numbers as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.foreign.names import counted
from olacore.reports.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST,
    MOST_POINTS,
    RIGHT,
    TOP,
    WIDTH,
    Axis,
    Curve,
    Level,
    chart,
    fits,
    scatter,
    worth_logarithm,
)
from olacore.reports.words import duration, figure, ordinal, size, tick

numbers = st.floats(1e-12, 1e12)


@given(st.lists(numbers, min_size=1, max_size=5), st.booleans())
def test_axis__has_ticks_with_labels_of_their_own_inside_it(values, logarithmic):
    axis = Axis.around(values, logarithmic)
    assert all(-1e-9 <= axis.share(value) <= 1 + 1e-9 for value in values)
    ticks = axis.ticks()
    assert 2 <= len(ticks) <= MOST
    assert all(axis.low <= value <= axis.high or math.isclose(value, axis.high) for value, _ in ticks)
    assert len({label for _, label in ticks}) == len(ticks)
    shares = [axis.share(value) for value, _ in ticks]
    assert shares == sorted(shares)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.015, 0.2, ["0.02", "0.05", "0.1", "0.2"]),
        (1, 100, ["1", "10", "100"]),
        (1, 90, ["1", "3", "10", "30"]),
        (0.9, 9e5, ["1", "10", "100", "1,000", "10,000", "100,000"]),
        (0.21, 0.24, ["0.21", "0.22", "0.23", "0.24"]),
    ],
)
def test_axis__logarithmic_ticks_are_plain_numbers(low, high, labels):
    assert [label for _, label in Axis(low, high, True).ticks()] == labels


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=8), st.booleans(), st.booleans())
def test_chart__draws_whatever_is_finite_inside_its_frame(points, x_log, y_log):
    made = chart("t", [Curve("a", points)], "x", "y", [Level("b", 0.5, "dashed")], (x_log, y_log))
    if not any(fits(x, x_log) and fits(y, y_log) for x, y in points):
        assert made is None
        return
    assert made is not None
    assert "nan" not in str(made)
    for place, _ in made.x_ticks:
        assert LEFT - 0.1 <= place <= WIDTH - RIGHT + 0.1
    for place, _ in made.y_ticks:
        assert TOP - 0.1 <= place <= HEIGHT - BOTTOM + 0.1


def test_chart__is_none_without_a_point_and_thins_out_many():
    assert chart("t", [Curve("a", [])], "x", "y") is None
    assert chart("t", [Curve("a", [(0.0, 1.0)])], "x", "y", logarithmic=(True, False)) is None
    made = chart("t", [Curve("a", [(float(x), float(x)) for x in range(10_000)])], "x", "y")
    assert made is not None
    assert made.paths[0][1].count("L") <= MOST_POINTS


def test_chart__names_levels_that_are_far_from_curves_looked_at_closely():
    curve, level = Curve("a", [(1.0, 1.0), (2.0, 0.9)]), Level("mean", 50.0, "dotted")
    far = chart("t", [curve], "x", "y", [level], near=True)
    near = chart("t", [curve], "x", "y", [level])
    assert far is not None
    assert near is not None
    assert far.legend[-1][1] == "mean: 50.00, above the chart"
    assert near.legend[-1][1] == "mean: 50.00"
    assert len(near.paths) == len(far.paths) + 1
    assert "mean 50.00" in far.alt


def test_chart__stairs_keep_their_value_up_to_the_next_point():
    made = chart("t", [Curve("a", [(0.0, 0.0), (1.0, 1.0)], stairs=True)], "x", "y")
    assert made is not None
    (first, second, third, _) = made.paths[0][1][1:].split("L")
    assert first.split()[1] == second.split()[1]
    assert second.split()[0] == third.split()[0]


def test_scatter__puts_equal_values_on_the_diagonal():
    made = scatter("t", [0.0, 1.0], [0.0, 1.0])
    assert made.path.count("M") == 2
    assert "2 samples" in made.alt


def test_worth_logarithm():
    assert worth_logarithm([1, 100])
    assert not worth_logarithm([1, 2])
    assert not worth_logarithm([0, 100])
    assert not worth_logarithm([])


def test_words():
    assert [figure(value) for value in (0.12345, 12.3456, 1234567, 1e-9, 0, None, math.nan, True)] == [
        "0.1235", "12.35", "1.235e+06", "1.000e-09", "0", "-", "-", "-"
    ]  # fmt: skip
    assert [tick(value) for value in (0, 0.05, 1e-7, 2e-7, 25000, 1e9)] == [
        "0",
        "0.05",
        "10^-7",
        "2e-7",
        "25,000",
        "10^9",
    ]
    assert [size(count) for count in (12, 32_200, 3_456_000, 192_000)] == ["12 B", "32.2 kB", "3.46 MB", "192 kB"]
    assert [duration(seconds) for seconds in (1.234, 120, 7200)] == ["1.23 s", "2 min", "2 h"]
    assert [counted(1, "run"), counted(2, "run")] == ["1 run", "2 runs"]
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 22, 112)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "22nd",
        "112th",
    ]
