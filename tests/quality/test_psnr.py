"""PSNR against its definition and another library, and what equal pictures get."""

import numpy as np
import pytest

from olacore.quality.psnr import HIGHEST, mean_psnr, psnr, psnr_from_error
from tests.support.makers import smooth_pictures


def test_psnr__agrees_with_another_library():
    from skimage.metrics import peak_signal_noise_ratio

    original, other = smooth_pictures(2, 24, 40)
    assert psnr(other, original) == pytest.approx(peak_signal_noise_ratio(original, other), rel=1e-12)
    assert psnr(original, other) == psnr(other, original)


def test_psnr__does_not_wrap_around_in_uint8():
    black, white = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 255, np.uint8)
    assert psnr(black, white) == psnr(white, black) == 0


def test_psnr__of_equal_pictures_is_the_highest():
    one = smooth_pictures(1, 8, 8)[0]
    assert psnr(one, one) == HIGHEST
    other = one.copy()
    other[0, 0, 0] ^= 1
    assert psnr(other, one) == pytest.approx(10 * np.log10(255**2 * one.size))
    assert psnr(other, one) < HIGHEST


def test_mean_psnr__is_the_mean_over_pictures_and_not_that_of_their_mean_error():
    original = np.full((2, 4, 4, 3), 100, np.uint8)
    other = original.copy()
    other[0] += 1
    other[1] += 50
    assert mean_psnr(other, original) == pytest.approx(10 * np.log10(255**2 / np.array([1, 2500])).mean())
    assert psnr(other, original) == pytest.approx(10 * np.log10(255**2 / 1250.5))


def test_mean_psnr__refuses_another_number_of_pictures():
    with pytest.raises(ValueError, match="longer than"):
        mean_psnr(np.zeros((1, 2, 2, 3)), np.zeros((2, 2, 2, 3)))


def test_psnr_from_error__takes_any_span_and_keeps_nan():
    errors = np.array([0.0, 1e-40, 0.01, 4.0, np.nan])
    found = psnr_from_error(errors, 2.0)
    np.testing.assert_allclose(found, [HIGHEST, HIGHEST, 10 * np.log10(400), 0, np.nan], atol=1e-12)
    assert psnr_from_error(65.025, 255.0) == pytest.approx(30)
