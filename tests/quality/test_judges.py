"""Judges of pictures, where what they should find is known."""

import numpy as np
import pytest

from olacore.quality.judges import Judge, features_of, kernel_distance


def squares(colours: np.ndarray, seed: int = 0) -> np.ndarray:
    """A square of each colour somewhere on white."""
    frames = np.full((len(colours), 32, 32, 3), 255, np.uint8)
    for frame, colour, (top, left) in zip(
        frames, colours, np.random.default_rng(seed).integers(0, 12, (len(colours), 2)), strict=True
    ):
        frame[top : top + 20, left : left + 20] = colour
    return frames


@pytest.fixture(scope="module")
def judge() -> Judge:
    colours = np.random.default_rng(1).integers(0, 256, (120, 3))
    return Judge.of(squares(colours), colours / 255 - 0.5, np.arange(120) >= 100)


def test_judge__reads_what_decides_the_caption(judge):
    colours = np.random.default_rng(2).integers(0, 256, (30, 3))
    read = judge.read(squares(colours, 3))
    assert np.square(read - (colours / 255 - 0.5)).mean() < 0.25 * np.var(colours / 255)
    captions = (colours / 255 - 0.5) / np.linalg.norm(colours / 255 - 0.5, axis=1, keepdims=True)
    good = judge.precision(squares(colours, 4), np.arange(30), captions)
    white = judge.precision(np.full((30, 32, 32, 3), 255, np.uint8), np.arange(30), captions)
    assert good > 0.4
    assert white < 0.2


def test_judge__reads_a_picture_whatever_stands_beside_it(judge):
    frames = squares(np.array([[255, 0, 0], [0, 255, 0]]))
    np.testing.assert_allclose(judge.read(frames)[:1], judge.read(frames[:1]), atol=1e-9)


def test_features__do_not_depend_on_the_size():
    frames = squares(np.array([[200, 30, 90]]))
    for one, other in zip(features_of(frames), features_of(frames.repeat(2, 1).repeat(2, 2)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_kernel_distance__is_about_0_for_pictures_of_the_same_kind():
    colours = np.random.default_rng(5).integers(0, 256, (200, 3))
    same = kernel_distance(squares(colours[:100], 6), squares(colours[100:], 7))
    pale = kernel_distance(squares(colours[:100] // 2 + 127, 6), squares(colours[100:], 7))
    assert abs(same) < 0.25 * pale
