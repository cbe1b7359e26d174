"""HaarPSI against an obvious twin and figures of another program."""

import numpy as np
import pytest

from olacore.quality.pictures.haarpsi import STRIP_ROWS, TO_YIQ, haarpsi
from tests.support.makers import smooth_pictures


def naive(picture: np.ndarray, original: np.ndarray) -> float:
    """The index as the paper defines it: wavelets as arrays, sums pixel by pixel."""
    halves = []
    for colours in (picture, original):
        yiq = colours.astype(float) @ TO_YIQ.T
        yiq = np.pad(yiq, ((0, len(yiq) % 2), (0, yiq.shape[1] % 2), (0, 0)))
        halves.append((yiq[::2, ::2] + yiq[1::2, ::2] + yiq[::2, 1::2] + yiq[1::2, 1::2]) / 4)
    height, width, _ = halves[0].shape

    def filtered(plane: np.ndarray, weights: np.ndarray) -> np.ndarray:
        size = len(weights)
        wide = np.pad(plane, (size // 2 - 1, size // 2))
        return np.array(
            [[(wide[y : y + size, x : x + size] * weights).sum() for x in range(width)] for y in range(height)]
        )

    def similar(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (2 * np.abs(a * b) + 30) / (a**2 + b**2 + 30)

    maps, weights = [], []
    for turned in (False, True):
        found = []
        for side in (2, 4, 8):
            wavelet = np.ones((side, side)) / side
            wavelet[side // 2 :] *= -1
            found.append([filtered(half[..., 0], wavelet.T if turned else wavelet) for half in halves])
        maps.append((similar(*found[0]) + similar(*found[1])) / 2)
        weights.append(np.maximum(*np.abs(found[2])))
    means = [[filtered(half[..., k], np.ones((2, 2)) / 4) for half in halves] for k in (1, 2)]
    maps.append((similar(*np.abs(means[0])) + similar(*np.abs(means[1]))) / 2)
    weights.append((weights[0] + weights[1]) / 2)
    score = (np.array(weights) / (1 + np.exp(-4.2 * np.array(maps)))).sum() / np.sum(weights)
    return float((np.log(score / (1 - score)) / 4.2) ** 2)


def pair(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    original = smooth_pictures(1, height, width)[0]
    worse = original + np.random.default_rng(1).normal(0, 20, original.shape)
    return np.clip(worse, 0, 255).astype(np.uint8), original


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (32, 40), (33, 18), (2 * STRIP_ROWS + 3, 9)])
def test_haarpsi__equals_the_twin(height, width):
    worse, original = pair(height, width)
    # YIQ is kept as float32.
    assert haarpsi(worse, original) == pytest.approx(naive(worse, original), abs=1e-6)


@pytest.mark.parametrize(("size", "theirs"), [((32, 48), 0.98164030), ((64, 64), 0.98443424), ((130, 200), 0.97913877)])
def test_haarpsi__gives_the_figures_of_another_program(size, theirs):
    """Figures of piq 0.8.0, whose YIQ has a digit more. It needs torchvision, so it is not among the requirements."""
    worse, original = waves(*size)
    assert haarpsi(worse, original) == pytest.approx(theirs, abs=2e-5)


def waves(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A coloured pattern of whole numbers and a coarser one, without a random number."""
    y, x, c = np.indices((height, width, 3))
    original = ((x * x // 7 + y * (3 + c) + x * y // 11) % 256).astype(np.uint8)
    return original // 24 * 24 + 5, original


def test_haarpsi__is_one_for_equal_pictures_and_falls_with_noise():
    worse, original = pair(40, 48)
    assert haarpsi(original, original) == pytest.approx(1, abs=1e-9)
    assert haarpsi(worse, original) == pytest.approx(haarpsi(original, worse), abs=1e-12)
    assert haarpsi(worse, original) < haarpsi(original // 2 + worse // 2, original) < 0.99


def test_haarpsi__of_pictures_without_edges_is_defined():
    black = np.zeros((16, 16, 3), np.uint8)
    assert haarpsi(black, black) == pytest.approx(1, abs=1e-9)
