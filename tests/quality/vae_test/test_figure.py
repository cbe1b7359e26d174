"""The sheet of one picture: sizes, places, and what the error map shows."""

import numpy as np
import pytest

from olacore.media.canvas import GAP, LINE, PAPER
from olacore.quality.vae_test.figure import HIGHEST, NARROWEST, WHITE_ERROR, WIDEST, draw_comparison, error_map
from tests.support.makers import smooth_pictures


def test_error_map__is_black_for_none_and_white_for_large_errors():
    original = np.full((2, 2, 3), 100, np.uint8)
    other = original.copy()
    other[0, 0] += WHITE_ERROR
    other[0, 1] -= WHITE_ERROR // 2
    other[1, 0] = 255
    assert error_map(other, original)[..., 0].tolist() == [[255, 128], [255, 0]]


def test_draw_comparison__shows_pictures_unchanged_above_their_errors():
    original, other = smooth_pictures(2, 200, 300)
    sheet = draw_comparison(original, "original", [("teacher\n20 dB", other), ("ours", original)])
    head = GAP + 2 * LINE
    assert sheet.shape == (head + 2 * (200 + GAP), GAP + 3 * (300 + GAP), 3)
    assert np.array_equal(sheet[head : head + 200, GAP : GAP + 300], original)
    left = GAP + 300 + GAP
    assert np.array_equal(sheet[head : head + 200, left : left + 300], other)
    below = head + 200 + GAP
    assert np.array_equal(sheet[below : below + 200, left : left + 300], error_map(other, original))
    assert not sheet[below : below + 200, left + 306 : left + 606].any()
    assert (sheet[-1, 0] == PAPER).all()


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((1, 1), (NARROWEST, NARROWEST)),
        ((2000, 100), (HIGHEST, 45)),
        ((64, 2560), (16, WIDEST)),
        ((5, 3000), (1, WIDEST)),
    ],
)
def test_draw_comparison__makes_small_pictures_larger_and_large_ones_smaller(size, shown):
    original = smooth_pictures(1, *size)[0]
    sheet = draw_comparison(original, "a name with \u6f22 letters", [("ours", original)])
    assert sheet.shape[0] == LINE + GAP + shown[0] + GAP + max(shown[0], 2 * LINE) + GAP
    assert sheet.shape[1] == 2 * (max(shown[1], NARROWEST) + GAP) + GAP
