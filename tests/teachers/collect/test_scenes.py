"""Cuts, and shots that go on with an earlier scene."""

import numpy as np
import pytest

from teachers.collect.scenes import LEAST_CUT, SIDE, SceneFinder, change, find_cuts, label_shots
from tests.support.video_samples import scene


def thumbnail(level: int) -> np.ndarray:
    return np.full((3, SIDE, SIDE), level, np.uint8)


def scenes_of(levels: list[int]) -> list[int]:
    finder = SceneFinder()
    for level in levels:
        finder.look(thumbnail(level))
    return finder.scenes().tolist()


def test_scenes__none_without_frames() -> None:
    assert scenes_of([]) == []
    assert scenes_of([7]) == [0]


def test_scenes__a_cut_begins_one() -> None:
    assert scenes_of([10] * 8 + [60] * 9) == [0] * 8 + [1] * 9


def test_scenes__slow_change_does_not() -> None:
    assert scenes_of(list(range(0, 200, 4))) == [0] * 50


def test_scenes__fast_change_all_along_does_not() -> None:
    assert scenes_of(list(range(0, 250, 10))) == [0] * 25


def test_scenes__a_cut_back_goes_on_with_the_earlier_scene() -> None:
    levels = [10] * 8 + [60] * 8 + [12] * 8 + [61] * 8 + [200] * 8
    assert scenes_of(levels) == [0] * 8 + [1] * 8 + [0] * 8 + [1] * 8 + [2] * 8


def test_scenes__a_flash_belongs_to_what_is_around_it() -> None:
    assert scenes_of([10] * 10 + [255] + [10] * 10) == [0] * 21
    assert scenes_of([255] + [10] * 10) == [0] * 11


def test_find_cuts__reference() -> None:
    def slow(changes: np.ndarray) -> list[int]:
        found = []
        for index in range(1, len(changes)):
            near = [changes[k] for k in range(index - 5, index + 6) if k != index and 1 <= k < len(changes)]
            if changes[index] >= LEAST_CUT and (not near or changes[index] >= 3 * np.median(near)):
                found.append(index)
        return found

    for seed in range(50):
        rng = np.random.default_rng(seed)
        changes = rng.exponential(5, rng.integers(1, 40)).astype(np.float32)
        changes[0] = 0
        assert find_cuts(changes) == slow(changes)


def test_label_shots__numbered_by_first_appearance() -> None:
    ends = [thumbnail(level) for level in (0, 100, 0, 200, 100)]
    assert label_shots(np.full(5, 10), ends, ends) == [0, 1, 0, 2, 1]


def test_change__is_the_mean_over_all_cells() -> None:
    one = np.zeros((3, SIDE, SIDE), np.uint8)
    other = one.copy()
    other[0, 0, 0] = 255
    assert change(one, other) == pytest.approx(255 / one.size)
    assert change(other, one) == change(one, other)


def test_scenes__of_the_tests_own_videos_differ() -> None:
    assert change(scene(1, 0)[0], scene(1, 1)[0]) > 2 * LEAST_CUT
