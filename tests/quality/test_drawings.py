"""Figures of drawn pictures, where they are known."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.quality.drawings import CELLS, Known, cells_of, white_around

SIDE = 2 * CELLS


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Squares of random colours on white."""
    frames = np.full((count, SIDE, SIDE, 3), 255, np.uint8)
    colours = np.random.default_rng(seed).integers(0, 200, (count, 8, 8, 3), np.uint8)
    frames[:, 16:48, 16:48] = colours.repeat(4, 1).repeat(4, 2)
    return frames


FRAMES = pictures(20)
TRAINING = np.arange(20) < 15
KNOWN = Known.of(FRAMES, TRAINING)
HELD_OUT = np.arange(15, 20)


def test_figures__of_the_true_pictures():
    found = KNOWN.figures(FRAMES[15:], FRAMES[15:], HELD_OUT)
    assert found == {
        **dict.fromkeys(("left", "grain", "copies"), pytest.approx(0, abs=1e-6)),
        **dict.fromkeys(("nearest", "among_10", "nearer", "energy", "detail"), pytest.approx(1)),
    }


def test_figures__of_the_mean_picture():
    mean = np.rint(np.broadcast_to(KNOWN.frame, FRAMES[15:].shape)).astype(np.uint8)
    found = KNOWN.figures(mean, FRAMES[15:], HELD_OUT)
    assert found["left"] == pytest.approx(1, abs=0.01)
    assert found["energy"] < 0.01
    assert found["detail"] < 0.6, "what all pictures share is the edge of the square"
    assert found["nearer"] < 0.5


def test_figures__of_copies_and_of_noise():
    copies = KNOWN.figures(FRAMES[:5], FRAMES[15:], HELD_OUT)
    assert copies["copies"] == 1
    assert copies["nearer"] == 0
    noisy = FRAMES[15:] - np.random.default_rng(0).integers(0, 9, FRAMES[15:].shape, np.uint8)
    found = KNOWN.figures(noisy, FRAMES[15:], HELD_OUT)
    assert 1.5 < found["grain"] < 3.5
    assert found["nearest"] == 1


def test_cells__are_means_whatever_the_size():
    small = pictures(2)
    large = small.repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(cells_of(small), cells_of(large), atol=1e-3)
    assert cells_of(small).shape == (2, CELLS * CELLS * 3)
    odd = cells_of(small[:, :50, :40])
    assert odd.shape == (2, CELLS * CELLS * 3)
    assert odd.mean() == pytest.approx(small[:, :50, :40].mean(), abs=2)


def test_white__is_where_all_around_is():
    assert not white_around(FRAMES[:1])[0, 13:51, 13:51].any()
    assert white_around(FRAMES[:1])[0, :11].all()
