"""Curves in characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.media.text_curve import BRAILLE, LEAST_HEIGHT, LEAST_WIDTH, MARGIN, draw_text

VALUES = st.one_of(st.floats(-1, 1e6), st.just(float("inf")), st.floats(1e-300, 1e-3))
POINTS = st.lists(VALUES, max_size=20).map(lambda ys: [(float(x), y) for x, y in enumerate(ys)])


def text_of(lines):
    return ["".join(part.text for part in line) for line in lines]


@given(
    st.lists(POINTS, max_size=3),
    st.integers(LEAST_WIDTH, 90),
    st.integers(LEAST_HEIGHT, 20),
    st.booleans(),
)
def test_draw_text__fills_the_room_and_no_more(curves, width, height, dots):
    lines = draw_text(curves, width, height, dots=dots)
    if not any(0 < y < float("inf") for points in curves for _, y in points):
        assert lines == []
        return
    assert len(lines) == height
    assert {len(line) for line in text_of(lines)[:-1]} == {width}
    found = {part.series for line in lines for part in line} - {-1}
    drawn = {number for number, points in enumerate(curves) if any(0 < y < float("inf") for _, y in points)}
    assert found <= drawn
    assert len(drawn) == 0 or found


def test_draw_text__a_falling_curve_falls():
    lines = text_of(draw_text([[(0, 100.0), (1, 10.0), (2, 1.0)]], MARGIN + 12, 7, " s"))
    columns = [next(x for x, letter in enumerate(line[MARGIN:]) if ord(letter) > BRAILLE) for line in lines[:-1]]
    assert columns == sorted(columns)
    assert columns[0] == 0
    assert columns[-1] == 10
    assert lines[0].startswith("       100 │")
    assert lines[-2].startswith("         1 │")
    assert lines[-1].split() == ["0", "2", "s"]
    assert ord(lines[0][MARGIN]) & 1  # the dot at the upper left


def test_draw_text__where_a_terminal_has_no_dots():
    lines = text_of(draw_text([[(0, 2.0), (1, 1.0)]], MARGIN + 10, 4, dots=False))
    assert all(line.isascii() for line in lines)
    assert sum(line.count("*") for line in lines) >= 10


def test_draw_text__a_single_point_is_a_dot():
    lines = text_of(draw_text([[(3, 0.5)]], 40, 5))
    assert sum(bin(ord(letter) - BRAILLE).count("1") for line in lines for letter in line if ord(letter) > BRAILLE) == 1


@pytest.mark.parametrize(("width", "height"), [(LEAST_WIDTH - 1, 9), (80, LEAST_HEIGHT - 1), (0, 0)])
def test_draw_text__draws_nothing_where_there_is_no_room(width, height):
    assert draw_text([[(0, 1.0), (1, 2.0)]], width, height) == []


def test_draw_text__names_the_curve_of_each_part():
    lines = draw_text([[(0, 1.0), (9, 1.0)], [(0, 9.0), (9, 9.0)], []], 60, 6)
    assert {part.series for part in lines[0]} == {-1, 1}
    assert {part.series for part in lines[-2]} == {-1, 0}
