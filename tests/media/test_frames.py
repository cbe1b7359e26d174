"""Pictures and latents as arrays: checks, padding, patches and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.blocks import every_row, row_ranges
from olacore.errors import DataError, DTypeError, ShapeError
from olacore.kernels.scatter import scatter_patches
from olacore.media.frames import checked_latents, checked_pictures, pad_to_factor, spatial_mean, thumbnails, to_pixels
from olacore.views.patch import PatchDecoder
from olacore.views.scaling import Scaling
from tests.support.makers import smooth_pictures


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40))
def test_pad_to_factor__repeats_the_last_pixels(count, height, width):
    frames = smooth_pictures(count, height, width)
    padded = pad_to_factor(frames, 8)
    assert padded.shape == (count, -(-height // 8) * 8, -(-width // 8) * 8, 3)
    np.testing.assert_array_equal(padded[:, :height, :width], frames)
    np.testing.assert_array_equal(
        padded[:, height:], np.broadcast_to(padded[:, height - 1 : height], padded[:, height:].shape)
    )
    np.testing.assert_array_equal(
        padded[:, :, width:], np.broadcast_to(padded[:, :, width - 1 : width], padded[:, :, width:].shape)
    )


def test_pad_to_factor__makes_a_view_contiguous():
    frames = smooth_pictures(1, 16, 32)[:, ::2, ::2].repeat(2, 1)
    assert pad_to_factor(frames[:, :, ::-1], 8).flags.c_contiguous


@pytest.mark.parametrize("size", [(8, 8), (16, 40)])
def test_scatter_patches__undoes_the_cutting(size):
    frames = smooth_pictures(2, *size)
    view = PatchDecoder(4)
    scaling = Scaling(*(np.full(n, 0.5, np.float32) for n in 2 * (view.inputs,) + 2 * (view.outputs,)))
    raw = every_row({"frames": frames}, size[0] // 8 * (size[1] // 8))
    found = np.zeros_like(frames)
    cut = view.gather_targets(raw, scaling)
    scatter_patches(cut, raw.item, raw.site, 8, scaling.target_mean, scaling.target_scale, found)
    np.testing.assert_array_equal(found, frames)


def test_to_pixels__undoes_the_scaling_and_clips():
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(to_pixels(every / np.float32(127.5) - 1), every)
    np.testing.assert_array_equal(to_pixels(np.array([-9.0, 9.0])), [0, 255])


def test_thumbnails__a_picture_of_64_is_itself():
    frames = smooth_pictures(2, 64, 64)
    np.testing.assert_allclose(thumbnails(frames), frames.reshape(2, -1) / 127.5 - 1, atol=1e-6)


def test_spatial_mean__sums_many_halves_without_overflow():
    np.testing.assert_array_equal(spatial_mean(np.full((1, 2, 64, 64), 60000, np.float16)), [[60000, 60000]])


def test_every_row__goes_item_by_item():
    raw = every_row({"frames": np.zeros((2, 1))}, 3)
    np.testing.assert_array_equal(raw.item, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(raw.site, [0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize("most", [1, 4, 6, 99])
def test_row_ranges__pieces_make_every_row(most):
    arrays = {"frames": np.zeros((2, 1))}
    whole, pieces = every_row(arrays, 3), list(row_ranges(arrays, 3, most))
    for name in ("item", "site"):
        np.testing.assert_array_equal(np.concatenate([getattr(raw, name) for raw, _ in pieces]), getattr(whole, name))
    assert [(rows.start, len(raw.item)) for raw, rows in pieces] == [(n, min(most, 6 - n)) for n in range(0, 6, most)]


def test_checked_pictures__one_picture_becomes_a_batch():
    assert checked_pictures(smooth_pictures(1, 5, 6)[0]).shape == (1, 5, 6, 3)


@pytest.mark.parametrize(
    ("pictures", "error", "sentence"),
    [
        (np.zeros((8, 8, 3)), DTypeError, "must be uint8; got float64"),
        (np.zeros((8, 8), np.uint8), ShapeError, r"must be \(H, W, 3\).*; got \(8, 8\)"),
        (np.zeros((8, 8, 4), np.uint8), ShapeError, r"got \(8, 8, 4\)"),
        (np.zeros((1, 1, 8, 8, 3), np.uint8), ShapeError, r"got \(1, 1, 8, 8, 3\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), ShapeError, r"got \(0, 8, 8, 3\)"),
        (np.zeros((0, 8, 3), np.uint8), ShapeError, r"got \(0, 8, 3\)"),
    ],
)
def test_checked_pictures__says_what_came(pictures, error, sentence):
    with pytest.raises(error, match=sentence):
        checked_pictures(pictures)


@pytest.mark.parametrize(("shape", "rank"), [((4,), 1), ((3, 4), 1), ((4, 2, 5), 3), ((3, 4, 2, 5), 3)])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_checked_latents__become_a_batch_of_halves(shape, rank, dtype):
    batch = checked_latents(np.ones(shape, dtype), 4, rank)
    assert batch.dtype == np.float16
    assert batch.ndim == rank + 1
    assert batch.size == np.prod(shape)


@pytest.mark.parametrize(
    ("latents", "error", "sentence"),
    [
        (np.zeros((4, 2, 2), np.int32), DTypeError, "must be float16 or float32; got int32"),
        (np.zeros((16, 2, 2)), ShapeError, r"with 4 channels; got \(16, 2, 2\)"),
        (np.zeros((2, 2)), ShapeError, r"\(C, h, w\) or \(m, C, h, w\) with 4 channels; got \(2, 2\)"),
        (np.zeros((0, 4, 2, 2)), ShapeError, r"got \(0, 4, 2, 2\)"),
        (np.full((4, 1, 2), np.nan), DataError, "finite as float16; got 8 values that are NaN, inf or too large"),
        (np.array([[[1.0]], [[np.inf]], [[0.0]], [[-np.inf]]]), DataError, "got 2 values"),
        (np.full((4, 1, 1), 1e6, np.float32), DataError, "got 4 values"),  # beyond float16
    ],
)
def test_checked_latents__says_what_came(latents, error, sentence):
    with pytest.raises(error, match=sentence):
        checked_latents(latents, 4, 3)


def test_checked_latents__of_the_global_view_are_vectors():
    with pytest.raises(ShapeError, match=r"\(C,\) or \(m, C\) with 4 channels; got \(4, 2, 2\)"):
        checked_latents(np.zeros((4, 2, 2)), 4, 1)
