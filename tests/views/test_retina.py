"""The retina: seeded, bounded, and blind to nothing that it should see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.views.retina import CELLS, Retina
from tests.support.makers import smooth_pictures

FEW = Retina.seeded(3, cells=24, samples=16)


def test_seeded__the_same_seed_gives_the_same_retina():
    for name, part in vars(Retina.seeded(5, 8, 4)).items():
        np.testing.assert_array_equal(part, getattr(Retina.seeded(5, 8, 4), name))
        assert not np.array_equal(part, getattr(Retina.seeded(6, 8, 4), name))


def test_seeded__the_default_is_the_512_cells_of_the_global_view():
    retina = Retina.seeded(0)
    assert retina.colours.shape == (CELLS, 3) == (512, 3)
    assert sum(part.nbytes for part in vars(retina).values()) < 2 << 20


def test_seeded__places_lie_in_the_picture_and_colours_have_unit_length():
    retina = Retina.seeded(1)
    for place in (retina.rows, retina.columns):
        assert (place >= 0).all()
        assert (place < 1).all()
    np.testing.assert_allclose(np.linalg.norm(retina.colours, axis=1), 1, rtol=1e-6)


def test_seeded__no_place_rounds_up_to_the_far_edge():
    last = np.nextafter(np.float32(1), np.float32(0))
    for side in range(1, 5000):
        assert int(last * np.float32(side)) == side - 1


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(1, 50), st.integers(1, 50), st.integers(0, 99))
def test_project__stays_within_the_bound_of_any_picture(count, height, width, seed):
    frames = np.random.default_rng(seed).choice(np.array([0, 255], np.uint8), (count, height, width, 3))
    seen = FEW.project(frames)
    assert seen.shape == (count, 24)
    assert (np.abs(seen) <= np.sqrt(3) + 1e-5).all()


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (200, 30, 90)])
def test_project__one_colour_is_that_colour_through_the_filters(colour):
    frames = np.full((1, 9, 7, 3), colour, np.uint8)
    expected = FEW.colours @ (np.array(colour) / 127.5 - 1)
    np.testing.assert_allclose(FEW.project(frames)[0], expected, atol=1e-5)


def test_project__a_negative_picture_is_the_opposite():
    frames = smooth_pictures(2, 40, 24)
    np.testing.assert_allclose(FEW.project(255 - frames), -FEW.project(frames), atol=1e-5)


def test_project__a_picture_does_not_depend_on_its_batch():
    frames = smooth_pictures(3, 16, 16)
    together = FEW.project(frames)
    for alone, row in zip(frames, together, strict=True):
        np.testing.assert_array_equal(FEW.project(alone[None])[0], row)


def test_project__twice_the_resolution_changes_little():
    frames = smooth_pictures(4, 48, 48)
    large = frames.repeat(2, 1).repeat(2, 2)
    np.testing.assert_allclose(FEW.project(large), FEW.project(frames), atol=1e-5)
