"""Figures of a reconstruction beside what they are by definition."""

import numpy as np
import pytest

from olacore.errors import ShapeError
from olacore.quality.pictures.figures import STRIP_ROWS, mean_figures, picture_figures
from tests.support.makers import smooth_pictures


@pytest.mark.parametrize(("height", "width"), [(24, 40), (STRIP_ROWS + 5, 12)])
def test_picture_figures__are_what_they_are_called(height, width):
    original, other = smooth_pictures(2, height, width)
    worse = (original * 0.9 + other * 0.1).astype(np.uint8)
    figures = picture_figures(worse, original)
    x, y = worse / 127.5 - 1, original / 127.5 - 1
    mean = y.mean((0, 1))
    assert figures["psnr"] == pytest.approx(10 * np.log10(255**2 / ((worse - original.astype(float)) ** 2).mean()))
    assert figures["l2"] == pytest.approx(((x - y) ** 2).sum() / ((y - mean) ** 2).sum())
    for name, a, b in (("cosine", x, y), ("cosine_centered", x - mean, y - mean)):
        assert figures[name] == pytest.approx((a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()))
    assert 0.5 < figures["ssim"] < 1
    assert 0.3 < figures["haarpsi"] < 1
    assert figures["ms_ssim"] is None


def test_picture_figures__psnr_agrees_with_another_library():
    from skimage.metrics import peak_signal_noise_ratio

    original, other = smooth_pictures(2, 32, 32)
    assert picture_figures(other, original)["psnr"] == pytest.approx(peak_signal_noise_ratio(original, other))


def test_picture_figures__of_tiny_and_flat_pictures_are_none_where_not_defined():
    one = np.full((1, 1, 3), 200, np.uint8)
    figures = picture_figures(one - 9, one)
    assert [name for name, value in figures.items() if value is None] == ["ssim", "ms_ssim", "l2", "cosine_centered"]
    assert figures["psnr"] == pytest.approx(20 * np.log10(255 / 9))


def test_picture_figures__refuse_pictures_of_two_sizes():
    with pytest.raises(ShapeError, match=r"of one size are compared; got \(8, 8, 3\) and \(8, 9, 3\)"):
        picture_figures(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8))


def test_picture_figures__of_equal_pictures_have_a_finite_psnr():
    one = smooth_pictures(1, 16, 16)[0]
    assert picture_figures(one, one)["psnr"] == 100


def test_mean_figures__leave_out_what_is_not_defined():
    found = mean_figures([{"a": 1.0, "b": None, "c": None}, {"a": 3.0, "b": 5.0, "c": None}])
    assert found == {"a": 2.0, "b": 5.0, "c": None}
