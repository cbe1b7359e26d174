"""The module: its file, and encoding and decoding of pictures of any size."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.embed.checked import forward_stack
from olacore.errors import ConfigError, DataError, DTypeError, ShapeError
from olacore.modules.latent_doubts import LatentWarning
from olacore.modules.module import Module
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.prompt import Prompt
from olacore.views.whole import WholeDecoder, WholeEncoder
from tests.support.makers import JIT, SPACE, make_module, smooth_pictures, threads

BORDER = 4 if JIT else 1
ENCODER = make_module(PatchEncoder(4, border=BORDER))
WIDE = make_module(PatchEncoder(4, border=20 if JIT else 9))
DECODER = make_module(PatchDecoder(4, window=3))
STACKS = [
    make_module(PatchEncoder(4, border=BORDER), hidden=(6, 3)),
    make_module(PatchDecoder(4, window=3), hidden=(7, 2)),
]
GLOBAL_ENCODER = make_module(WholeEncoder(4))
GLOBAL_DECODER = make_module(WholeDecoder(4))
PAIRS = make_module(Plain(5, 3), space=None)
MODULES = [ENCODER, DECODER, GLOBAL_ENCODER, GLOBAL_DECODER, PAIRS]

# Random numbers look odd to decoders that were never trained.
pytestmark = pytest.mark.filterwarnings("ignore::olacore.modules.latent_doubts.LatentWarning")
few = settings(max_examples=20 if JIT else 3, deadline=None, derandomize=True)
sides = st.integers(1, 40 if JIT else 17)


def latents(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4, height, width)).astype(np.float16)


# ---------------------------------------------------------------- encode and decode


@few
@given(sides, sides)
def test_encode__any_size_is_the_padded_picture(height, width):
    picture = smooth_pictures(1, height, width)[0]
    down, right = -height % 8, -width % 8
    padded = np.pad(picture, ((0, down), (0, right), (0, 0)), mode="edge")
    for module in (ENCODER, WIDE):
        latent = module.encode(picture)
        assert latent.shape == (4, -(-height // 8), -(-width // 8))
        assert latent.dtype == np.float32
        assert latent.flags.c_contiguous
        np.testing.assert_array_equal(latent, module.encode(padded))


@few
@given(st.integers(1, 3), sides, sides)
def test_encode__of_a_batch_equals_each_alone(count, height, width):
    pictures = smooth_pictures(count, height, width)
    together = ENCODER.encode(pictures)
    assert together.shape[0] == count
    for picture, latent in zip(pictures, together, strict=True):
        np.testing.assert_array_equal(ENCODER.encode(picture), latent)


@few
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
def test_decode__of_a_batch_equals_each_alone(count, height, width):
    batch = latents(count, height, width)
    together = DECODER.decode(batch)
    assert together.shape == (count, 8 * height, 8 * width, 3)
    assert together.dtype == np.uint8
    for latent, picture in zip(batch, together, strict=True):
        np.testing.assert_array_equal(DECODER.decode(latent), picture)


def test_encode__is_the_map_on_the_standardised_patch():
    picture = smooth_pictures(1, 24, 16)[0]
    around = np.pad(picture, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)), mode="reflect") / 127.5 - 1
    side = 8 + 2 * BORDER
    patch = around[16 : 16 + side, 8 : 8 + side].ravel()
    scaling = ENCODER.scaling
    x = (patch - scaling.input_mean) / scaling.input_scale
    y = np.tanh(ENCODER.weights @ x + ENCODER.biases) * scaling.target_scale + scaling.target_mean
    np.testing.assert_allclose(ENCODER.encode(picture)[:, 2, 1], y, rtol=1e-4, atol=1e-5)


def test_decode__is_the_map_on_the_standardised_window():
    latent = latents(1, 2, 3)[0]
    window = np.pad(latent.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")[:, 1:4, 2:5].ravel()
    scaling = DECODER.scaling
    x = (window - scaling.input_mean) / scaling.input_scale
    y = np.tanh(DECODER.weights @ x + DECODER.biases) * scaling.target_scale + scaling.target_mean
    expected = np.clip((y + 1) * 127.5, 0, 255).reshape(8, 8, 3)
    np.testing.assert_allclose(DECODER.decode(latent)[8:16, 16:24], expected, atol=0.51)


def stacked(module: Module, row: np.ndarray) -> np.ndarray:
    """What a stack answers to one row of inputs, map by map."""
    scaling = module.scaling
    known = (row - scaling.input_mean) / scaling.input_scale
    for layer in module.hidden:
        known = np.concatenate([known, np.tanh(layer.weights @ known + layer.biases)])
    return np.tanh(module.weights @ known + module.biases) * scaling.target_scale + scaling.target_mean


def test_encode_and_decode__of_a_stack_answer_map_by_map():
    encoder, decoder = STACKS
    picture, latent = smooth_pictures(1, 24, 16)[0], latents(1, 2, 3)[0]
    side = 8 + 2 * BORDER
    around = np.pad(picture, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)), mode="reflect") / 127.5 - 1
    expected = stacked(encoder, around[16 : 16 + side, 8 : 8 + side].ravel())
    np.testing.assert_allclose(encoder.encode(picture)[:, 2, 1], expected, rtol=1e-4, atol=1e-5)
    window = np.pad(latent.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")[:, 1:4, 2:5].ravel()
    expected = np.clip((stacked(decoder, window) + 1) * 127.5, 0, 255).reshape(8, 8, 3)
    np.testing.assert_allclose(decoder.decode(latent)[8:16, 16:24], expected, atol=0.51)


@pytest.mark.parametrize("hidden", [(), (6,), (3, 5)])
def test_decode__tile_by_tile_equals_the_whole(hidden):
    module = make_module(PatchDecoder(4, window=5), hidden=hidden)
    side, tile = (24, 7) if JIT else (5, 3)
    latent = latents(1, side, side)[0]
    whole = module.decode(latent)
    for top in range(0, side, tile):
        for left in range(0, side, tile):
            # The window's surroundings; at the picture's edge they end where it ends.
            up, before = max(top - 2, 0), max(left - 2, 0)
            part = module.decode(latent[:, up : top + tile + 2, before : left + tile + 2])
            part = part[8 * (top - up) :, 8 * (left - before) :][: 8 * tile, : 8 * tile]
            expected = whole[8 * top :, 8 * left :][: 8 * tile, : 8 * tile]
            np.testing.assert_array_equal(part[: len(expected), : expected.shape[1]], expected)


@pytest.mark.parametrize("hidden", [(), (6,), (3, 5)])
def test_encode__tile_by_tile_equals_the_whole(hidden):
    module = make_module(PatchEncoder(4, border=BORDER), hidden=hidden)
    side, tile = (24, 7) if JIT else (5, 3)
    picture = smooth_pictures(1, 8 * side, 8 * side)[0]
    whole = module.encode(picture)
    for top in range(0, side, tile):
        for left in range(0, side, tile):
            up, before = max(top - 1, 0), max(left - 1, 0)
            part = module.encode(picture[8 * up : 8 * (top + tile + 1), 8 * before : 8 * (left + tile + 1)])
            expected = whole[:, top : top + tile, left : left + tile]
            part = part[:, top - up :, left - before :][:, : expected.shape[1], : expected.shape[2]]
            np.testing.assert_array_equal(part, expected)


def test_predict__of_a_stack_follows_forward_stack():
    for hidden in ((6,), (7, 2)):
        module = make_module(Plain(5, 3), None, hidden=hidden)
        x = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32)
        scaling = module.scaling
        standardised = np.ascontiguousarray((x - scaling.input_mean) / scaling.input_scale, np.float32)
        maps = [*((layer.weights, layer.biases) for layer in module.hidden), (module.weights, module.biases)]
        expected = forward_stack(maps, standardised) * scaling.target_scale + scaling.target_mean
        np.testing.assert_allclose(module.predict(x), expected, rtol=1e-5, atol=1e-6)


def test_encode__parts_of_a_large_batch_change_nothing(monkeypatch):
    pictures = smooth_pictures(5, 16, 8)
    whole = ENCODER.encode(pictures)
    monkeypatch.setattr("olacore.modules.kinds.base.ROWS_AT_ONCE", 4)
    np.testing.assert_array_equal(ENCODER.encode(pictures), whole)


def test_decode__parts_of_a_large_batch_change_nothing(monkeypatch):
    batch = latents(5, 2, 1)
    whole = DECODER.decode(batch)
    monkeypatch.setattr("olacore.modules.kinds.base.ROWS_AT_ONCE", 1)
    np.testing.assert_array_equal(DECODER.decode(batch), whole)


@pytest.mark.parametrize(("encoder", "decoder"), [(ENCODER, DECODER), STACKS])
def test_encode_and_decode__same_bits_for_any_number_of_threads(encoder, decoder):
    high, wide = (21, 27) if JIT else (5, 7)
    picture, latent = smooth_pictures(1, 8 * high, 8 * wide)[0], latents(1, high, wide)[0]
    with threads(1):
        one = encoder.encode(picture), decoder.decode(latent)
    with threads(2):
        np.testing.assert_array_equal(encoder.encode(picture), one[0])
        np.testing.assert_array_equal(decoder.decode(latent), one[1])


@pytest.mark.skipif(not JIT, reason="65,536 sites take too long without the JIT")
def test_encode_and_decode__hold_a_part_of_a_large_picture_only():
    encoder = make_module(PatchEncoder(4), hidden=(64,))
    decoder = make_module(PatchDecoder(4, window=5), hidden=(64,))
    picture = np.zeros((2048, 2048, 3), np.uint8)
    latent = encoder.encode(picture[:8, :8])
    decoder.decode(latent)
    tracemalloc.start()
    try:
        latent = encoder.encode(picture)
        encoding = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        decoder.decode(latent)
        decoding = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # The inputs of all 65,536 sites would take 218 MB to encode; the decoded picture alone has 12.6 MB.
    assert encoding < 24e6
    assert decoding < 12.6e6 + 24e6


def test_encode__takes_pictures_that_are_not_contiguous_or_writable():
    pictures = smooth_pictures(2, 24, 16)
    flipped = pictures[:, ::-1, ::-1]
    flipped.flags.writeable = False
    np.testing.assert_array_equal(ENCODER.encode(flipped), ENCODER.encode(flipped.copy()))


def test_decode__takes_the_precision_of_half():
    batch = latents(2, 3, 2)
    wide = batch.astype(np.float32).swapaxes(2, 3).copy().swapaxes(2, 3)
    np.testing.assert_array_equal(DECODER.decode(wide), DECODER.decode(batch))
    np.testing.assert_array_equal(DECODER.decode(batch.astype(np.float64)), DECODER.decode(batch))


def test_encode__global_makes_a_vector_of_a_picture_of_any_size():
    for shape in ((1, 1), (9, 30)):
        pictures = smooth_pictures(2, *shape)
        vectors = GLOBAL_ENCODER.encode(pictures)
        assert vectors.shape == (2, 4)
        np.testing.assert_array_equal(GLOBAL_ENCODER.encode(pictures[1]), vectors[1])


@pytest.mark.skipif(not JIT, reason="12,288 outputs take too long without the JIT")
def test_decode__global_makes_a_thumbnail_of_a_vector():
    vectors = latents(2, 1, 1)[:, :, 0, 0]
    thumbnails = GLOBAL_DECODER.decode(vectors)
    assert thumbnails.shape == (2, 64, 64, 3)
    np.testing.assert_array_equal(GLOBAL_DECODER.decode(vectors[0]), thumbnails[0])


def test_predict__answers_pairs():
    x = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    scaling = PAIRS.scaling
    hidden = (x - scaling.input_mean) / scaling.input_scale @ PAIRS.weights.T + PAIRS.biases
    expected = np.tanh(hidden) * scaling.target_scale + scaling.target_mean
    np.testing.assert_allclose(PAIRS.predict(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("module", "verb", "argument", "error", "sentence"),
    [
        (
            DECODER,
            "encode",
            np.zeros((8, 8, 3), np.uint8),
            ShapeError,
            "kind decoder cannot encode; use decode",
        ),
        (ENCODER, "decode", latents(1, 1, 1), ShapeError, "a module of kind encoder cannot decode; use encode"),
        (
            PAIRS,
            "encode",
            np.zeros((8, 8, 3), np.uint8),
            ShapeError,
            "kind plain cannot encode; use predict",
        ),
        (PAIRS, "decode", latents(1, 1, 1), ShapeError, "a module of kind plain cannot decode; use predict"),
        (ENCODER, "encode", np.zeros((8, 8, 3), np.int32), DTypeError, "uint8; got int32"),
        (ENCODER, "encode", np.zeros((8, 8, 3)), ShapeError, r"floats must be \(3, H, W\) .*; got \(8, 8, 3\)"),
        (ENCODER, "encode", np.full((3, 8, 8), 2.0), DataError, r"lie in \[-1, 1\]; these lie in \[2, 2\]"),
        (ENCODER, "encode", "picture.png", DTypeError, "uint8; got <U11"),
        (ENCODER, "predict", np.zeros((1, 5)), ShapeError, "a module of kind encoder cannot predict; use encode"),
        (PAIRS, "predict", np.zeros((2, 6)), ShapeError, r"inputs must be \(n, 5\) or \(5,\); got \(2, 6\)"),
        (PAIRS, "predict", np.full((2, 5), np.nan), DataError, "inputs must be finite as float32"),
        (ENCODER, "encode", np.zeros((8, 8), np.uint8), ShapeError, r"got \(8, 8\)"),
        (DECODER, "decode", np.zeros((16, 2, 2), np.float32), ShapeError, r"4 channels; got \(16, 2, 2\)"),
        (DECODER, "decode", np.zeros((4, 2, 2), np.uint8), DTypeError, "got uint8"),
        (DECODER, "decode", np.full((4, 2, 2), np.nan), DataError, "got 16 values"),
        (GLOBAL_DECODER, "decode", latents(1, 1, 1), ShapeError, r"\(C,\) or \(m, C\) with 4 channels"),
    ],
)
def test_module__says_what_it_cannot_do(module, verb, argument, error, sentence):
    with pytest.raises(error, match=sentence):
        getattr(module, verb)(argument)


def test_repr__says_what_it_is_without_its_numbers():
    module = make_module(PatchDecoder(4, window=5), SPACE, hidden=(8,))
    assert repr(module) == f"<Module: patch decoder of {SPACE.maker}, 100 - 8 - 192, float32>"


# ---------------------------------------------------------------- arrays as callers have them


def test_encode__takes_floats_as_diffusers_has_them():
    pictures = smooth_pictures(2, 16, 24)
    floats = np.moveaxis(pictures, -1, 1).astype(np.float32) / 127.5 - 1
    for some in (floats, floats.astype(np.float64), floats.astype(np.float16)):
        # Half precision rounds to other levels here and there.
        np.testing.assert_allclose(ENCODER.encode(some), ENCODER.encode(pictures), atol=0.02)
    np.testing.assert_array_equal(ENCODER.encode(floats[0]), ENCODER.encode(pictures[0]))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "P"])
def test_encode__takes_pil_pictures(mode):
    from PIL import Image

    picture = smooth_pictures(1, 16, 24)[0]
    image = Image.fromarray(picture).convert(mode)
    np.testing.assert_array_equal(ENCODER.encode(image), ENCODER.encode(np.asarray(image.convert("RGB"))))


def test_encode_and_decode__take_torch_tensors_of_any_float_type_with_gradients():
    torch = pytest.importorskip("torch")
    batch = latents(2, 3, 2).astype(np.float32)
    expected = DECODER.decode(batch)
    for kind in (torch.float32, torch.float64, torch.float16):
        np.testing.assert_array_equal(DECODER.decode(torch.tensor(batch).to(kind).requires_grad_()), expected)
    rounded = torch.tensor(batch).to(torch.bfloat16)
    np.testing.assert_array_equal(DECODER.decode(rounded), DECODER.decode(rounded.float().numpy()))
    pictures = torch.tensor(smooth_pictures(1, 16, 16)).movedim(-1, 1) / 127.5 - 1
    np.testing.assert_array_equal(ENCODER.encode(pictures.requires_grad_()), ENCODER.encode(smooth_pictures(1, 16, 16)))


def test_predict__takes_one_sample_and_any_numbers():
    x = np.arange(10).reshape(2, 5)
    together = PAIRS.predict(x)
    assert (together.shape, together.dtype) == ((2, 3), np.float32)
    np.testing.assert_array_equal(PAIRS.predict(x[1].astype(np.float64)), together[1])


def test_run__is_the_kind_s_own_verb_on_so_many_threads():
    batch = latents(1, 2, 2)
    np.testing.assert_array_equal(DECODER.run(batch, n_threads=1), DECODER.decode(batch))
    with pytest.raises(ConfigError, match="n_threads must be a whole number from 1"):
        DECODER.decode(batch, n_threads=0)


@pytest.mark.filterwarnings("error")
def test_decode__warns_of_latents_that_look_odd():
    module = make_module(PatchDecoder(4))
    module.decode(latents(1, 8, 8))
    with pytest.warns(LatentWarning, match="the latents lie far, .* spreads off the mean"):
        module.decode(30 * latents(1, 8, 8))


# ---------------------------------------------------------------- programs


@pytest.mark.parametrize("hidden", [(), (6,), (3, 5)])
def test_program__computes_what_the_module_does(hidden):
    module = make_module(Plain(5, 3), None, hidden=hidden)
    x = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    program = module.program()
    np.testing.assert_allclose(program.run(x), module.predict(x), rtol=1e-4, atol=1e-5)
    assert [step.weights.shape[0] for step in program.steps] == [*hidden, 3]


@pytest.mark.parametrize("stored", ["float32", "float16", "int8"])
@pytest.mark.parametrize("hidden", [(), (3, 5)])
def test_program__keeps_weights_as_they_are_stored(hidden, stored):
    module = make_module(Plain(5, 3), None, hidden=hidden, stored=stored)
    for step in module.program().steps:
        factors = step.factors
        assert factors.levels.dtype == stored
        rebuilt = factors.levels.astype(np.float64) * factors.rows[:, None] * factors.columns
        np.testing.assert_allclose(rebuilt, step.weights, rtol=1e-6)


def test_program__keeps_a_basis_as_it_is_stored():
    module = make_module(Prompt(2, 8, 0.0, 2, 3, 5), hidden=(4,), stored="int8", components=4)
    program = module.program()
    factors = program.basis_factors
    np.testing.assert_array_equal(factors.levels * factors.rows[:, None] * factors.columns, program.basis)


def test_program__of_a_decoder_answers_pixels():
    latent = latents(1, 2, 3)
    window = np.pad(latent[0].astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")[:, 1:4, 2:5].ravel()
    program = STACKS[1].program()
    pixels = np.rint((program.run(window[None])[0] + 1) * 127.5).reshape(8, 8, 3)
    assert np.abs(pixels - STACKS[1].decode(latent)[0, 8:16, 16:24]).max() <= 1
    assert (program.gather["name"], program.gather["window"], program.bound) == ("patch", 3, 1.0)
