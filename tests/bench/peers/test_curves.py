"""What is read off a curve."""

from dataclasses import replace
from math import inf

from bench.peers.cells import Cell, Point
from bench.peers.curves import Curve, middle


def test_curve__stands_for_the_best_on_validation():
    points = (Point(1, 2, 1, 0.9, 1.2), Point(2, 4, 2, 0.5, 1.04), Point(3, 6, 3, 0.6, 0.9), Point(4, 8, 4, 0.4, 1.0))
    cell = Cell("a", "d", "rows", "mse", 0, {}, 1, 4.0, "v1", points)
    curve = Curve.of(cell, floor=1.0)
    assert curve.ratio == (1.2, 1.04, 1.04, 1.0)
    assert [curve.seconds_to(goal) for goal in (1.3, 1.05, 1.01, 0.99)] == [1, 2, 4, inf]
    assert [curve.at(seconds) for seconds in (0.5, 2.5, 4)] == [inf, 1.04, 1.0]
    assert curve.at(7.0, wall=True) == 1.04
    assert curve.lowest == 1.0
    assert curve.thinned(2.0) == [(1, 1.2), (2, 1.04), (4, 1.0)]
    # Stopped at 4 s, it has nothing to say of later; had it ended by itself, it would stay where it was.
    assert curve.at(9.0) == inf
    assert Curve.of(replace(cell, cap=50.0), floor=1.0).at(9.0) == 1.0


def test_middle__counts_what_was_not_reached_as_late():
    assert middle([1.0, inf, 2.0]) == 2.0
    assert middle([1.0, inf, inf]) == inf
    assert middle([]) == inf
