"""Patch modules as convolutions: the numbers of the module itself."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.errors import ConfigError
from olacore.exports.base import Part
from olacore.exports.convolution import Convolutions
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.refining import Refiner
from tests.support.makers import REFINERS, make_module, refined_by

# A latent of one site looks odd to the check of its statistics.
pytestmark = pytest.mark.filterwarnings("ignore:the latents lie oddly")
SIZES = [(1, 1), (3, 5), (7, 4)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hidden", [(), (6,), (3, 5)])
def test_decoder__gives_the_pixels_of_the_module(size, hidden):
    module = make_module(PatchDecoder(4, 8, 3), hidden=hidden)
    latents = np.random.default_rng(0).normal(size=(1, 4, *size)).astype(np.float16).astype(np.float32)
    pixels = Convolutions.of(Part.of("m", module)).run(latents[0])
    levels = np.clip(np.rint((pixels + 1) * 127.5), 0, 255)
    assert np.abs(levels - module.decode(latents)[0].astype(np.float32)).max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("hidden", [(), (6,)])
def test_encoder__gives_the_latents_of_the_module(size, hidden):
    module = make_module(PatchEncoder(4, 8, 4), hidden=hidden)
    picture = np.random.default_rng(0).integers(0, 256, (1, 8 * size[0], 8 * size[1], 3)).astype(np.uint8)
    latents = Convolutions.of(Part.of("m", module)).run(picture[0] / np.float32(127.5) - 1)
    np.testing.assert_allclose(latents, module.encode(picture)[0], atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (9, 4)])
@pytest.mark.parametrize("hidden", [(), (6,)])
def test_refiner__gives_the_pixels_of_the_module(size, hidden):
    module = make_module(Refiner(), None, hidden=hidden)
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    pixels = Convolutions.of(Part.of("m", module)).run(picture / np.float32(127.5) - 1)
    levels = np.clip(np.rint((pixels + 1) * 127.5), 0, 255)
    assert np.abs(levels - module.refine(picture)).max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("view", REFINERS)
def test_decoder__that_carries_a_refiner_gives_the_pixels_of_the_module(view, size):
    module = refined_by(make_module(PatchDecoder(4, 8, 3), hidden=(5,)), view, hidden=(3, 4))
    latents = np.random.default_rng(0).normal(size=(4, *size)).astype(np.float16).astype(np.float32)
    pixels = Convolutions.of(Part.of("m", module)).run(latents)
    levels = np.clip(np.rint((pixels + 1) * 127.5), 0, 255)
    assert np.abs(levels - module.decode(latents)).max() <= 1


def test_other_views__are_refused():
    with pytest.raises(ConfigError, match="m is a plain module; convolutions that this form takes: .* decoder, pix"):
        Convolutions.of(Part.of("m", make_module(Plain(5, 3), None)))
