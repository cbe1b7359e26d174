"""SSIM and MS-SSIM against an obvious twin and against other people's programs."""

import numpy as np
import pytest

from olacore.quality.pictures.ssim import (
    LEAST_SIDE,
    SCALE_WEIGHTS,
    STABLE_MEAN,
    STABLE_SPREAD,
    halve,
    ms_ssim,
    ssim,
    ssim_and_ms_ssim,
)
from tests.support.makers import smooth_pictures


def pair(height: int, width: int, noise: float = 12.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A picture and a worse one, uint8."""
    original = smooth_pictures(1, height, width, seed)[0]
    worse = original + np.random.default_rng(seed + 1).normal(0, noise, original.shape)
    return np.clip(worse, 0, 255).astype(np.uint8), original


def naive(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """SSIM and its contrast part of one channel, window by window as the paper defines them."""
    place = np.arange(11) - 5
    window = np.exp(-(place[:, None] ** 2 + place**2) / (2 * 1.5**2))
    window /= window.sum()
    similar, contrast = [], []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = (part[top : top + 11, left : left + 11].astype(float) for part in (x, y))
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            spread = (window * (a - mean_a) ** 2).sum() + (window * (b - mean_b) ** 2).sum()
            contrast.append((2 * covariance + STABLE_SPREAD) / (spread + STABLE_SPREAD))
            means = (2 * mean_a * mean_b + STABLE_MEAN) / (mean_a**2 + mean_b**2 + STABLE_MEAN)
            similar.append(means * contrast[-1])
    return float(np.mean(similar)), float(np.mean(contrast))


@pytest.mark.parametrize(("height", "width"), [(11, 11), (12, 17), (40, 23), (59, 13)])
def test_ssim__equals_the_twin(height, width):
    worse, original = pair(height, width)
    expected = np.mean([naive(worse[..., k], original[..., k])[0] for k in range(3)])
    # Both sum in float64; variances are differences of sums near 255 squared.
    assert ssim(worse, original) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (75, 130), (200, 51)])
def test_ssim__equals_another_library(height, width):
    from skimage.metrics import structural_similarity

    worse, original = pair(height, width)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    theirs = structural_similarity(worse, original, channel_axis=2, **settings)
    assert ssim(worse, original) == pytest.approx(theirs, abs=1e-10)


def test_ms_ssim__equals_the_twin():
    worse, original = pair(176, 178, 25)
    expected = []
    for channel in range(3):
        x, y = worse.astype(float), original.astype(float)
        factors = []
        for scale in range(5):
            similar, contrast = naive(x[..., channel], y[..., channel])
            factors.append(similar if scale == 4 else contrast)
            height, width = (side // 2 * 2 for side in x.shape[:2])
            x, y = (
                (part[:height:2, :width:2] + part[1:height:2, :width:2] + part[:height:2, 1:width:2]
                 + part[1:height:2, 1:width:2]) / 4
                for part in (x, y)
            )  # fmt: skip
        expected.append(np.prod(np.array(factors) ** SCALE_WEIGHTS))
    assert ms_ssim(worse, original) == pytest.approx(np.mean(expected), abs=1e-9)


def test_ms_ssim__is_near_another_library():
    import torch
    from torchmetrics.functional.image import multiscale_structural_similarity_index_measure as measure

    worse, original = pair(192, 256)
    x, y = (torch.from_numpy(part.astype(np.float64)).permute(2, 0, 1)[:, None] for part in (worse, original))
    theirs = float(measure(x, y, data_range=255.0, sigma=1.5, kernel_size=11))
    # It also counts windows that reach over the edge, filled with the picture's mirror image.
    assert ms_ssim(worse, original) == pytest.approx(theirs, abs=2e-3)
    assert abs(ms_ssim(worse, original) - 1) > 5e-3


def test_ssim_and_ms_ssim__gives_both_at_once_and_none_where_a_window_does_not_fit():
    worse, original = pair(LEAST_SIDE, LEAST_SIDE + 3)
    assert ssim_and_ms_ssim(worse, original) == (ssim(worse, original), ms_ssim(worse, original))
    assert ms_ssim(worse[:-1], original[:-1]) is None
    assert ssim_and_ms_ssim(worse[:10], original[:10]) == (None, None)


def test_ssim_and_ms_ssim__is_symmetric_and_one_for_equal_pictures():
    worse, original = pair(180, 190)
    assert ssim_and_ms_ssim(original, original) == pytest.approx((1, 1), abs=1e-12)
    assert ssim_and_ms_ssim(worse, original) == pytest.approx(ssim_and_ms_ssim(original, worse), abs=1e-12)
    assert all(figure < 0.99 for figure in ssim_and_ms_ssim(worse, original))


def test_ms_ssim__counts_a_negative_as_no_likeness():
    _, original = pair(180, 190)
    assert ms_ssim(255 - original, original) == 0


def test_halve__leaves_an_odd_row_and_column_out():
    picture = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
    assert np.array_equal(halve(picture), halve(picture[:4, :6]))
    assert halve(picture)[1, 2, 1] == picture[2:4, 4:6, 1].mean()
