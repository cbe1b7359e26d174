"""Views: what is cut from pictures, latents and pairs, and which data a view refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from olacore.blocks import RawBlock, every_row, rows_of
from olacore.data import open_dataset
from olacore.errors import ConfigError, ShapeError
from olacore.kernels.layout import CHUNK
from olacore.views import View, find_view, view_from_dict
from olacore.views.latents import half_bits
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.pictures import Pictures
from olacore.views.plain import Plain
from olacore.views.scaling import Scaling
from olacore.views.whole import WholeDecoder, WholeEncoder
from tests.support.makers import SPACE, affine_latents, plain_pairs, smooth_pictures, write_pictures, write_plain

PATCH = PatchEncoder(4, border=3)
WINDOW = PatchDecoder(4, window=3)
GLOBAL = WholeEncoder(4, retina_seed=7)
THUMB = WholeDecoder(4)
PAIRS = Plain(5, 3)


def raw_pictures(size: tuple[int, int] = (16, 24), count: int = 3) -> RawBlock:
    """All rows of a few pictures and their latents."""
    frames = smooth_pictures(count, *size)
    return every_row({"frames": frames, "latents": affine_latents(frames, noise=0)}, size[0] // 8 * (size[1] // 8))


def random_scaling(view: View, seed: int = 0) -> Scaling:
    rng = np.random.default_rng(seed)
    parts = (rng.uniform(0.5, 2, n).astype(np.float32) for n in 2 * (view.inputs,) + 2 * (view.outputs,))
    return Scaling(*parts)


def gathered(view: View, raw: RawBlock, scaling: Scaling | None = None) -> tuple[np.ndarray, np.ndarray]:
    return rows_of(view.gather(raw, scaling or Scaling.identity(view.inputs, view.outputs)))


@pytest.mark.parametrize("view", [PATCH, WINDOW, GLOBAL, PAIRS])
def test_view__survives_a_dict(view):
    assert view_from_dict(view.to_dict()) == view


def test_patch__input_is_the_reflected_surroundings_and_target_the_site():
    raw = raw_pictures()
    x, y = gathered(PATCH, raw)
    padded = np.pad(raw.arrays["frames"], ((0, 0), (3, 3), (3, 3), (0, 0)), mode="reflect") / 127.5 - 1
    for row, (item, site) in enumerate(zip(raw.item, raw.site, strict=True)):
        top, left = (int(n) for n in np.divmod(site, 3))
        patch = padded[item, 8 * top : 8 * top + 14, 8 * left : 8 * left + 14]
        np.testing.assert_allclose(x[row], patch.ravel(), atol=1e-6)
        np.testing.assert_array_equal(y[row], raw.arrays["latents"][item, :, top, left])


def test_window__input_is_the_repeated_surroundings_and_target_the_patch():
    raw = raw_pictures()
    x, y = gathered(WINDOW, raw)
    padded = np.pad(raw.arrays["latents"], ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    for row, (item, site) in enumerate(zip(raw.item, raw.site, strict=True)):
        top, left = (int(n) for n in np.divmod(site, 3))
        np.testing.assert_array_equal(x[row], padded[item, :, top : top + 3, left : left + 3].ravel())
        patch = raw.arrays["frames"][item, 8 * top : 8 * top + 8, 8 * left : 8 * left + 8] / 127.5 - 1
        np.testing.assert_allclose(y[row], patch.ravel(), atol=1e-6)


def test_global_encoder__sees_the_retina_and_answers_the_mean_latent():
    raw = raw_pictures()
    whole = every_row(raw.arrays, 1)
    x, y = gathered(GLOBAL, whole)
    np.testing.assert_array_equal(x, GLOBAL.retina.project(raw.arrays["frames"]))
    np.testing.assert_allclose(y, raw.arrays["latents"].astype(np.float64).mean((2, 3)), atol=1e-6)


def test_global_decoder__sees_the_mean_latent_and_answers_a_thumbnail():
    raw = every_row(raw_pictures((128, 64), 2).arrays, 1)
    x, y = gathered(THUMB, raw)
    np.testing.assert_allclose(x, raw.arrays["latents"].astype(np.float64).mean((2, 3)), atol=1e-6)
    small = raw.arrays["frames"].reshape(2, 64, 2, 64, 1, 3).mean((2, 4)) / 127.5 - 1
    np.testing.assert_allclose(y, small.reshape(2, -1), atol=1e-6)


def test_global_decoder__names_a_size_that_is_no_multiple_of_64():
    with pytest.raises(ShapeError, match=r"multiples of 64; got 16 x 24"):
        gathered(THUMB, every_row(raw_pictures().arrays, 1))


def test_pairs__come_as_they_are():
    x, y = (a.astype(np.float32) for a in plain_pairs(7))
    got_x, got_y = gathered(PAIRS, every_row({"inputs": x, "targets": y}, 1))
    np.testing.assert_array_equal(got_x, x)
    np.testing.assert_array_equal(got_y, y)


@pytest.mark.parametrize("view", [PATCH, WINDOW, GLOBAL])
def test_gather__standardises_inputs_and_targets(view):
    raw = raw_pictures() if view.name == "patch" else every_row(raw_pictures().arrays, 1)
    scaling = random_scaling(view)
    plain_x, plain_y = gathered(view, raw)
    x, y = gathered(view, raw, scaling)
    np.testing.assert_allclose(x, (plain_x - scaling.input_mean) / scaling.input_scale, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(scaling.restore_targets(y.T.copy()), plain_y.T, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("view", [PATCH, WINDOW])
def test_gather__a_row_does_not_depend_on_its_place_in_the_block(view):
    raw = raw_pictures()
    order = np.random.default_rng(0).permutation(len(raw.item))
    shuffled = replace(raw, item=raw.item[order], site=raw.site[order])
    for before, after in zip(gathered(view, raw), gathered(view, shuffled), strict=True):
        np.testing.assert_array_equal(before[order], after)


def test_gather__what_lies_past_the_last_row_is_zero():
    raw = raw_pictures()
    block = WINDOW.gather(raw, random_scaling(WINDOW))
    assert block.inputs.shape == (1, WINDOW.inputs, CHUNK)
    assert block.rows == len(raw.item)
    assert not block.inputs[:, :, block.rows :].any()


def test_half_bits__every_finite_half_comes_back():
    bits = np.arange(1 << 16, dtype=np.uint16)
    values = bits.view(np.float16)
    np.testing.assert_array_equal(half_bits(values[np.isfinite(values)]), bits[np.isfinite(values)])


@pytest.mark.parametrize(
    ("view", "shape"),
    [
        (PatchEncoder(4), (768, 4)),
        (PatchEncoder(16, border=0), (192, 16)),
        (PatchDecoder(4, window=5), (100, 192)),
        (WholeEncoder(4), (512, 4)),
        (WholeDecoder(4), (4, 64 * 64 * 3)),
        (PAIRS, (5, 3)),
    ],
)
def test_view__dimensions(view, shape):
    assert (view.inputs, view.outputs) == shape


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: find_view("mirror", "patch"), "there is no kind 'mirror' of modules with views; there are encoder"),
        (lambda: find_view("encoder", "sideways"), "no view of the encoder 'sideways'; there are patch, global"),
        (lambda: PatchEncoder(4, border=-1), "border must be 0 to 64 pixels; got -1"),
        (lambda: PatchDecoder(4, window=2), "window must be an odd number from 1 to 15; got 2"),
        (lambda: PatchDecoder(4, window=-1), "window must be an odd number from 1 to 15; got -1"),
        (lambda: PatchDecoder(0), "channels and factor must be 1 or more, .*; got 0 and 8"),
        (lambda: Pictures(4, window=2), "window must be an odd number from 1 to 15; got 2"),
    ],
)
def test_view__names_a_wrong_setting(make, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make()


def test_view__of_version_1_is_read():
    old = {
        "border": 4,
        "channels": 4,
        "kind": "decoder",
        "name": "patch",
        "plain": [0, 0],
        "retina_seed": 0,
        "window": 5,
    }
    assert view_from_dict(old) == PatchDecoder(4, window=5)
    assert view_from_dict({**old, "kind": "encoder", "name": "pairs", "plain": [5, 3]}) == Plain(5, 3)


def test_check__names_both_sides_of_every_mismatch(tmp_path):
    pictures = write_pictures(tmp_path / "p.h5", (1, 1, 1), space=replace(SPACE, channels=16))
    plain = write_plain(tmp_path / "q.h5", inputs=6, outputs=2)
    with open_dataset(pictures) as data, open_dataset(plain) as pairs:
        for view, dataset, sentence in (
            (PATCH, data, r"latents of 4 channels, and the data's have 16"),
            (GLOBAL, data, r"latents of 4 channels, and the data's have 16"),
            (PAIRS, data, r"made from plain pairs, and the data hold frames and latents"),
            (PAIRS, pairs, r"5 inputs to 3 outputs, and the data hold 6 inputs and 2 targets"),
            (GLOBAL, pairs, r"512 inputs to 4 outputs cut .* plain pairs of 6 inputs and 2 targets"),
            (PATCH, pairs, r"patch view of the encoder maps 588 inputs .* plain pairs of 6 inputs"),
        ):
            with pytest.raises(ShapeError, match=sentence):
                view.check(dataset)
        replace(PATCH, channels=16).check(data)
        Plain(6, 2).check(pairs)


def test_sites__one_row_for_each_site_of_a_patch_view_only(tmp_path):
    with open_dataset(write_pictures(tmp_path / "p.h5", (1, 1, 1), (16, 24))) as data:
        assert [view.sites(data) for view in (PATCH, WINDOW, GLOBAL, THUMB)] == [6, 6, 1, 1]


def test_stream__gives_every_row_once_a_pass(tmp_path):
    with open_dataset(write_pictures(tmp_path / "p.h5")) as data:
        items = data.indices("train")
        with PATCH.stream(data, items, 50, seed=3) as stream:
            blocks = [next(stream) for _ in range(stream.blocks_per_pass)]
    seen = {(int(b.indices[i]), int(s)) for b in blocks for i, s in zip(b.item, b.site, strict=True)}
    assert seen == {(int(i), s) for i in items for s in range(16)}
    assert sum(len(b.item) for b in blocks) == len(seen)


def test_scaling__fit_brings_targets_inside_tanh_and_inputs_to_unit_variance():
    x, y = plain_pairs(500)
    x[:, 2] = 5  # an input that never changes
    scaling = Scaling.fit(x, 100 * y + 7, None)
    standard = (x - scaling.input_mean) / scaling.input_scale
    np.testing.assert_allclose(standard.std(0), [1, 1, 0, 1, 1], atol=1e-5)
    target = (100 * y + 7 - scaling.target_mean) / scaling.target_scale
    np.testing.assert_allclose(np.abs(target).max(0), 1 / 1.25, rtol=1e-5)


def test_scaling__a_known_range_is_kept_whatever_the_sample_shows():
    x, y = plain_pairs(50)
    scaling = Scaling.fit(x, y, 1.0)
    assert not scaling.target_mean.any()
    assert (scaling.target_scale > 1).all()


@pytest.mark.parametrize(("rows", "most"), [(300, 100), (2 * CHUNK, CHUNK), (5 * CHUNK + 9, 2 * CHUNK), (7, CHUNK)])
def test_parts__are_the_block_once_and_none_is_small(rows, most):
    x, y = plain_pairs(rows)
    view = PAIRS
    arrays = {"inputs": x.astype(np.float32), "targets": y.astype(np.float32)}
    block = view.gather(every_row(arrays, 1), Scaling.identity(5, 3))
    parts = list(block.parts(most))
    assert len(parts) == max(1, round(len(block.inputs) * CHUNK / max(most, CHUNK)))
    assert all(part.rows % CHUNK == 0 for part in parts[:-1])
    for whole, pieces in zip(rows_of(block), zip(*(rows_of(part) for part in parts), strict=True), strict=True):
        np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("view", [PATCH, WINDOW, GLOBAL])
def test_gather__into_the_memory_of_another_block_gives_the_same(view):
    big, small = raw_pictures(count=4), raw_pictures((16, 16), count=2)
    scaling = random_scaling(view)
    room = view.gather(big, scaling)
    expected = view.gather(small, scaling)
    got = view.gather(small, scaling, room)
    assert np.shares_memory(got.inputs, room.inputs)
    np.testing.assert_array_equal(got.inputs, expected.inputs)
    np.testing.assert_array_equal(got.targets, expected.targets)
