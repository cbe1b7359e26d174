"""The view of a refiner: errors of decoded pictures, block by block, and pictures without them."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.blocks import every_row, rows_of
from olacore.data import open_dataset
from olacore.errors import ConfigError, DTypeError, ShapeError
from olacore.views import view_from_dict
from olacore.views.refining import Refiner
from olacore.views.scaling import Scaling
from tests.support.makers import make_module, smooth_pictures, write_pictures

DRAW = np.random.default_rng(0)


@pytest.mark.parametrize(
    "view", [Refiner(1, 2), Refiner(4, 3), Refiner(2, 0), Refiner(4, 1, 1, 2), Refiner(2, 0, 0, 3)]
)
def test_refiner__inputs_are_decoded_and_targets_what_is_missing(view):
    frames, recon = smooth_pictures(2, 8, 12), DRAW.integers(0, 256, (2, 8, 12, 3), np.uint8)
    size, border, context = view.factor, view.border, view.context or 0
    latents = DRAW.standard_normal((2, view.channels or 1, 8 // size, 12 // size)).astype(np.float16)
    sites = np.pad(latents.astype(np.float32), ((0, 0), (0, 0), (context, context), (context, context)), "edge")
    raw = every_row({"frames": frames, "recon": recon, "latents": latents}, view.site_count({"recon": recon}))
    scaling = Scaling(*(DRAW.uniform(0.5, 2, n).astype(np.float32) for n in 2 * (view.inputs,) + 2 * (view.outputs,)))
    x, y = rows_of(view.gather(raw, scaling))
    wide = np.pad(recon, ((0, 0), (border, border), (border, border), (0, 0)), "reflect") / 127.5 - 1
    for row, (item, site) in enumerate(zip(raw.item, raw.site, strict=True)):
        top, left = (size * int(n) for n in np.divmod(site, 12 // size))
        seen = wide[item, top : top + size + 2 * border, left : left + size + 2 * border].ravel()
        if view.context is not None:
            window = sites[item, :, top // size :, left // size :][:, : view.window, : view.window]
            seen = np.append(seen, window.ravel())
        np.testing.assert_allclose(x[row], (seen - scaling.input_mean) / scaling.input_scale, rtol=1e-4, atol=1e-4)
        block = np.s_[item, top : top + size, left : left + size]
        missing = ((frames[block].astype(float) - recon[block]) / 127.5).ravel()
        np.testing.assert_allclose(y[row], (missing - scaling.target_mean) / scaling.target_scale, rtol=1e-4, atol=1e-4)
    refined = view.empty(raw.arrays)
    view.assemble(y.T.copy(), raw, scaling, refined)
    np.testing.assert_array_equal(refined, frames)
    assert view_from_dict(view.to_dict()) == view


def test_refiner__refuses_data_without_decodings(tmp_path):
    with (
        open_dataset([write_pictures(tmp_path / "p.h5")]) as data,
        pytest.raises(ShapeError, match="the data have no decodings; name the decoder with --pictures-from"),
    ):
        Refiner().check(data)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"border": 65}, "border 0 to 64 pixels; got 1 and 65"),
        ({"context": 1}, "latents of some channels around a site, or none; got context 1 and channels None"),
        ({"channels": 4}, "or none; got context None and channels 4"),
        ({"context": 8, "channels": 4}, "context must be 0 to 7 sites; got 8"),
        ({"context": 1, "channels": 0}, "channels must be 1 to 4096; got 0"),
    ],
)
def test_refiner__refuses_numbers_out_of_range(changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Refiner(**changes)


def test_to_dict__names_no_latents_where_none_are_read():
    """Files and digests of refiners of pixels are what they were before there were others."""
    assert Refiner().to_dict() == {"kind": "refiner", "name": "pixel", "factor": 1, "border": 2}
    assert Refiner(8, 4, 1, 4).to_dict().keys() - Refiner().to_dict().keys() == {"context", "channels"}


def test_of__takes_factor_and_channels_of_the_latents(tmp_path):
    with open_dataset([write_pictures(tmp_path / "p.h5", recon=True)]) as data:
        assert Refiner.of(data, {"context": 1}) == Refiner(8, 2, 1, 4)
        assert Refiner.of(data, {"patch": 4, "border": 3}) == Refiner(4, 3)
        Refiner(8, 4, 1, 4).check(data)
        with pytest.raises(ShapeError, match="takes no pictures of 8 pixels a latent site"):
            Refiner(16, 0).check(data)
        with pytest.raises(ShapeError, match="takes no latents of 4 channels and 8 pixels a site"):
            Refiner(4, 4, 1, 4).check(data)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 5)])
def test_refine__takes_pictures_of_any_size(size):
    module = make_module(Refiner(), None, hidden=(4,))
    pictures = DRAW.integers(0, 256, (2, *size, 3), np.uint8)
    refined = module.refine(pictures)
    assert (refined.shape, refined.dtype) == (pictures.shape, np.uint8)
    np.testing.assert_array_equal(module.refine(pictures[1]), refined[1])


def test_refine__reads_latents_beside_the_picture():
    module = make_module(Refiner(8, 4, 1, 4), None, hidden=(4,))
    pictures, latents = DRAW.integers(0, 256, (2, 16, 24, 3), np.uint8), DRAW.standard_normal((2, 4, 2, 3), np.float32)
    refined = module.run({"recon": pictures, "latents": latents})
    assert (refined.shape, refined.dtype) == (pictures.shape, np.uint8)
    one = module.run({"recon": pictures[1], "latents": latents[1]})
    np.testing.assert_array_equal(one, refined[1])
    assert (module.run({"recon": pictures, "latents": latents + 1}) != refined).any()
    with pytest.raises(ShapeError, match="a block refiner with context reads the latents that the pictures were drawn"):
        module.refine(pictures)
    with pytest.raises(ShapeError, match=r"must have 2 x 3 sites for each picture; got \(2, 3, 2\)"):
        module.run({"recon": pictures, "latents": latents.transpose(0, 1, 3, 2)})


def test_refine__refuses_what_is_no_picture():
    module = make_module(Refiner(2, 1), None)
    with pytest.raises(ShapeError, match="a block refiner takes sides of whole blocks of 2; got 3 x 4"):
        module.refine(np.zeros((3, 4, 3), np.uint8))
    with pytest.raises(DTypeError, match="pictures must be uint8"):
        module.refine(np.zeros((4, 4, 3), np.int32))
    with pytest.raises(ShapeError, match="a module of kind refiner cannot decode; use refine"):
        module.decode(np.zeros((4, 2, 2), np.float32))
