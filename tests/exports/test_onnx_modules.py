"""Single modules as ONNX: ONNX Runtime answers what the module does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

import olacore
from olacore.errors import ConfigError
from olacore.exports.base import Part
from olacore.exports.onnx_file import OnnxFile
from olacore.views.noisy import Whole, Window
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.prompt import Prompt
from olacore.views.refining import Refiner
from olacore.views.scaling import Scaling
from olacore.views.whole import WholeDecoder
from olacore.views.word_table import TableOfWords
from olacore.views.words import Words
from tests.support.makers import JIT, REFINED_SIZES, REFINERS, make_module, refined_by
from tests.support.onnx_runs import answer, levels_apart, session_of, to_levels, to_pixels
from tests.support.set_samples import SIZE, beyond_float16, filtered, word_table
from tests.support.stages import assert_stages

pytestmark = [
    pytest.mark.filterwarnings("ignore:the latents lie oddly"),
    pytest.mark.skipif(not JIT, reason="pictures take minutes without the JIT"),
]
DECODERS = [name for name in olacore.pretrained.names() if name.endswith("decoder")]
ENCODERS = [name for name in olacore.pretrained.names() if name.endswith("encoder")]
SITES = [(1, 1), (3, 5), (7, 13), (64, 64), (128, 96)]
# Float16 has 11 bits, and an encoder sums 768 numbers, here of noise; the spread of latents is about 1.
HALF = 0.03


def random(*shape: int, seed: int = 0) -> np.ndarray:
    """Latents, of numbers that float16 has, as a refiner reads them."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16).astype(np.float32)


def random_pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)


def check_stages(module: olacore.Module, given: Iterable[np.ndarray]) -> None:
    """Compare what a decoder makes of latents in every form: each stage within a level."""
    sessions = []
    for fp16 in (False, True):
        first = session_of(module.with_refiner(None), uint8=True, fp16=fp16)
        sessions += [(first, session_of(module, uint8=uint8, fp16=fp16), uint8) for uint8 in (False, True)]
    for latents in given:
        for first, session, uint8 in sessions:
            found = answer(session, latents=latents)
            theirs = found if uint8 else to_levels(found)
            assert_stages(module, latents, answer(first, latents=latents), theirs)


@pytest.mark.parametrize("name", DECODERS)
def test_shipped_decoder__within_one_level(name):
    module = olacore.load(name)
    channels = module.view.channels
    check_stages(module, (random(1 if height > 50 else 3, channels, height, width) for height, width in SITES))
    assert np.abs(answer(session_of(module), latents=20 * random(1, channels, 9, 7))).max() == 1


@pytest.mark.parametrize("name", ENCODERS)
def test_shipped_encoder__latents_within_a_ten_thousandth(name):
    module = olacore.load(name)
    floats, whole, half = (session_of(module), session_of(module, uint8=True), session_of(module, fp16=True))
    for height, width in [(1, 1), (3, 5), (37, 21), (64, 64), (128, 96), (512, 512), (1024, 768)]:
        pictures = random_pictures(1 if height > 200 else 3, height, width, 3)
        ours = module.encode(pictures)
        np.testing.assert_allclose(answer(whole, pixels=pictures), ours, atol=1e-4)
        np.testing.assert_allclose(answer(floats, pixels=to_pixels(pictures)), ours, atol=1e-4)
        np.testing.assert_allclose(answer(half, pixels=to_pixels(pictures)), ours, atol=HALF)


@pytest.mark.parametrize("size", [(1, 1), (5, 2), (9, 4), (30, 17)])
@pytest.mark.parametrize(("factor", "border"), [(8, 0), (8, 7), (8, 8), (4, 11), (1, 3), (2, 2)])
def test_encoder__borders_wider_than_pictures_are_reflected_as_often(size, factor, border):
    module = make_module(PatchEncoder(4, factor, border))
    pictures = random_pictures(2, *size, 3)
    found = answer(session_of(module, uint8=True), pixels=pictures)
    np.testing.assert_allclose(found, module.encode(pictures), atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (30, 17)])
@pytest.mark.parametrize(("factor", "border"), [(1, 2), (1, 3)])
def test_refiner__of_pictures_of_any_size(size, factor, border):
    module = make_module(Refiner(factor, border), None, hidden=(6,))
    pictures = random_pictures(2, *size, 3)
    refined = module.refine(pictures)
    assert levels_apart(refined, answer(session_of(module, uint8=True), pixels=pictures)) <= 1
    floats = answer(session_of(module), pixels=(pictures / np.float32(127.5) - 1).transpose(0, 3, 1, 2))
    assert levels_apart(refined, to_levels(floats)) <= 1


@pytest.mark.parametrize(("view", "size"), REFINED_SIZES)
def test_decoder__that_carries_a_refiner_within_one_level(view, size):
    module = refined_by(make_module(PatchDecoder(4, 8, 3), hidden=(5,)), view, hidden=(6,))
    latents = random(1 if size[0] > 50 else 2, 4, *size)
    check_stages(module, [latents])
    assert levels_apart(module.run(latents), module.with_refiner(None).run(latents)) > 1


def test_refiner__reads_latents_where_they_count():
    module = make_module(REFINERS[-1], None, hidden=(6,))
    pictures, latents = random_pictures(2, 24, 40, 3), random(2, 4, 3, 5)
    found = answer(session_of(module, uint8=True), pixels=pictures, latents=latents)
    assert levels_apart(module.refine(pictures, latents=latents), found) <= 1


@pytest.mark.parametrize("hidden", [(), (6,), (3, 5, 2)])
@pytest.mark.parametrize(("factor", "window"), [(8, 3), (4, 1), (1, 5)])
def test_decoder__of_any_factor_window_and_depth(hidden, factor, window):
    module = make_module(PatchDecoder(3, factor, window), hidden=hidden)
    latents = random(2, 3, 4, 7)
    assert levels_apart(module.decode(latents), answer(session_of(module, uint8=True), latents=latents)) <= 1


@pytest.mark.parametrize("components", [None, 2])
@pytest.mark.parametrize("hidden", [(), (6,), (3, 5)])
def test_plain__answers_rows(hidden, components):
    module = make_module(Plain(5, 3), None, hidden=hidden, components=components)
    session, inputs = session_of(module), random(30, 5)
    np.testing.assert_allclose(answer(session, inputs=inputs), module.predict(inputs), atol=1e-5)
    np.testing.assert_allclose(answer(session, inputs=inputs[:1]), module.predict(inputs[:1]), atol=1e-5)
    np.testing.assert_allclose(answer(session_of(module, fp16=True), inputs=inputs), module.predict(inputs), atol=5e-3)


def test_plain__float16_keeps_inputs_that_hardly_vary():
    module = make_module(Plain(5, 3), None, hidden=(6,))
    module.scaling.input_scale[2] = 1e-20
    module.scaling.input_mean[2] = 0
    inputs = random(30, 5) * np.array([1, 1, 1e-20, 1, 1], np.float32)
    ours = module.predict(inputs)
    assert np.abs(ours - module.predict(inputs * np.array([1, 1, 0, 1, 1], np.float32))).max() > 0.05
    np.testing.assert_allclose(answer(session_of(module, fp16=True), inputs=inputs), ours, atol=5e-3)


@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("components", [None, 3])
def test_text__from_features_to_embeddings(unit, components):
    module = make_module(TableOfWords(8, SIZE, unit=unit, table=word_table()), None, hidden=(5,), components=components)
    texts = ["a red heart", "hearts juggle", "nothing known here at all: xq"]
    features = module.view.table.features(texts)
    np.testing.assert_allclose(answer(session_of(module), features=features), module.embed(texts), atol=1e-5)


@pytest.mark.parametrize("even", [False, True])
@pytest.mark.parametrize(("size", "bits"), [(8, 1), (SIZE, 2), (SIZE, 4), (SIZE, 8)])
def test_text__from_lines_of_words(size, bits, even):
    module = make_module(TableOfWords(8, size, even=even, table=word_table(size, bits, even)), None, hidden=(5,))
    session, table = session_of(module, words=True), module.view.table
    told = session.get_modelmeta().custom_metadata_map
    listed = told["words"].split("\n")
    assert listed == table.listed
    texts = ["draw me a red heart", "hearts", "juggle juggle a i red hearts", ""]
    words = np.full((len(texts), 7), -1, np.int64)
    for text, line in zip(texts, words, strict=True):
        found = [listed.index(word) for word in re.sub(told["left_out"], "", text).split()]
        line[len(found) % 2 : len(found) % 2 + len(found)] = found  # what is missing may stand anywhere
    np.testing.assert_allclose(answer(session, words=words), module.embed(texts), atol=1e-5)
    np.testing.assert_allclose(answer(session, words=words[:2, :4]), module.embed(texts[:2]), atol=1e-5)


def test_words__are_refused_where_there_is_no_table():
    with pytest.raises(ConfigError, match=r"m has no table of words; leave the option words out\."):
        OnnxFile(words=True).model([Part.of("m", make_module(Plain(5, 3), None))])


@pytest.mark.parametrize("components", [None, 7])
def test_text_mean__from_embeddings_to_latents(components):
    module = make_module(Prompt(4, 8, 0.0, 3, 2, 9), hidden=(5,), components=components)
    embeddings = random(4, 9)
    np.testing.assert_allclose(
        answer(session_of(module), embeddings=embeddings), module.denoise(embeddings=embeddings), atol=1e-5
    )


@pytest.mark.parametrize("unconditional", [False, True])
def test_whole__from_noisy_latents(unconditional):
    view = Whole(4, 8, 1.0, unconditional=unconditional, height=3, width=2, embedding=0 if unconditional else 9)
    module = make_module(view, hidden=(5,), components=6)
    given = {"noisy": random(4, 4, 3, 2)} | ({} if unconditional else {"embeddings": random(4, 9)})
    np.testing.assert_allclose(answer(session_of(module), **given), module.denoise(**given), atol=1e-4)


@pytest.mark.parametrize("hidden", [(), (6, 3)])
@pytest.mark.parametrize(("text", "certain"), [(0, False), (1, False), (3, True)])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (16, 9)])
def test_window__from_noisy_latents_of_any_size(hidden, text, certain, size):
    view = Window(4, 8, 1.0, window=3, text_window=text, certain=certain, unconditional=text == 0)
    module = make_module(view, hidden=hidden)
    shapes = {"noisy": (3, 4, *size), "text_means": (3, 4, *size), "certainty": (3, 2)}
    given = {name: random(*shapes[name], seed=seed) for seed, name in enumerate(view.given)}
    np.testing.assert_allclose(answer(session_of(module), **given), module.denoise(**given), atol=1e-4)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize(("text", "certain"), [(1, True), (3, True), (3, False)])
def test_window__with_a_filter(text, certain, count):
    module = make_module(
        filtered(4, 8, 1.0, (3, 5), window=3, text_window=text, certain=certain), hidden=(6,), stored="int8"
    )
    shapes = {"noisy": (count, 4, 3, 5), "text_means": (count, 4, 3, 5), "certainty": (count, 2)}
    given = {name: random(*shapes[name], seed=seed) for seed, name in enumerate(module.view.given)}
    np.testing.assert_allclose(answer(session_of(module), **given), module.denoise(**given), atol=2e-3)


def test_filter__of_the_graph_is_that_of_the_module():
    """By a module that answers the filter's estimates as they are: numbers that float16 cannot hold, and certainties
    on the threshold.
    """
    view = filtered(4, 8, 1.0, (3, 5), window=1, text_window=1, certain=True)
    module, wide = make_module(view), np.float32(1e9)
    weights = np.hstack([np.zeros((4, 8)), np.eye(4) / wide, np.zeros((4, 4))]).astype(np.float32)
    scaling = replace(Scaling.identity(view.inputs, 4), target_scale=np.full(4, wide, np.float32))
    module = replace(module, weights=weights, biases=np.zeros(4, np.float32), scaling=scaling)
    draw = np.random.default_rng(0)
    noisy, means = (draw.normal(0, spread, (6, 4, 3, 5)).astype(np.float32) for spread in (3000, 1000))
    noisy[5], means[5] = beyond_float16(view.filter, (4, 3, 5))
    threshold = view.filter.thresholds[0].astype(np.float32)
    certainty = np.stack([np.float32([0, np.nextafter(threshold, -1), threshold, 1, 0, 0]), np.ones(6)], 1)
    given = {"noisy": noisy, "text_means": means, "certainty": certainty.astype(np.float32)}
    found, expected = answer(session_of(module), **given), module.denoise(**given)
    # Sums in another order: here and there a number is rounded the other way.
    np.testing.assert_allclose(found, expected, rtol=1e-3)
    assert (np.abs(found - expected) > 1e-6 * np.abs(expected)).mean() < 0.01


@pytest.mark.parametrize("view", [WholeDecoder(4), Words(8, 32)])
def test_other_views__are_refused_in_a_sentence(view):
    with pytest.raises(
        ConfigError, match=rf"m is a {view.name} {view.kind}, which .* writes modules of .* window deno"
    ):
        OnnxFile().model([Part.of("m", make_module(view))])


@pytest.mark.parametrize("view", [Prompt(4, 8, 0.0, 3, 2, 9), TableOfWords(8, SIZE, unit=True, table=word_table())])
def test_float16__is_refused_where_it_shows(view):
    with pytest.raises(ConfigError, match="float16 is too coarse for .* in m, .*; leave fp16 out"):
        OnnxFile(fp16=True).model([Part.of("m", make_module(view))])
