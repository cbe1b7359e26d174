"""A set as one ONNX graph: ONNX Runtime draws what the generator does."""

from __future__ import annotations

import json

import numpy as np
import pytest

from olacore.drawing.captions import AMONG, Captions, chance_of, ranked
from olacore.drawing.generator import Generator
from olacore.drawing.sampler import noise_of
from olacore.errors import ConfigError
from olacore.exports.base import export
from olacore.exports.given import load_parts
from olacore.exports.onnx_drawing import InGraph
from olacore.exports.onnx_file import OnnxFile, model_of
from olacore.exports.onnx_graph import Form, Graph, Port
from olacore.text.emoji import name_emoji
from tests.support.makers import JIT
from tests.support.onnx_runs import answer, levels_apart, session_of, session_of_bytes, to_levels
from tests.support.set_samples import KINDS, resealed, write_mixed, write_set

pytestmark = pytest.mark.skipif(not JIT, reason="pictures take minutes without the JIT")
PROMPTS = ("a red heart", "firefighter", "a photograph of a dragon playing chess", "🙂", "xqzv", "")


def noise(generator, seed, _):
    """The noise that a seed draws a prompt from."""
    return noise_of(seed, generator.text_means([""]).shape[1:])


def chance(generator, seed, prompt):
    """What a seed says of the captions that a prompt is likest, the likest first, as the graph reads it."""
    (embedding,) = generator.embed([prompt])
    of_all = chance_of(seed, len(generator.captions.listed))
    return of_all[ranked(generator.captions.likeness(embedding))[:AMONG]].astype(np.float32)


CHANCES = {"noise": noise, "chance": chance}


def check(reference, prompts=PROMPTS, given=None, most=1, **options) -> None:
    """Every prompt alone and all at once, by floats and by bytes."""
    parts, generator = load_parts([reference]), Generator(reference)
    features = generator.table.features([name_emoji(prompt) for prompt in prompts])
    drawn = [generator.draw(prompt, seed=seed, **given or {})[0].picture for seed, prompt in enumerate(prompts)]
    floats, whole = (session_of(parts, uint8=uint8, **options) for uint8 in (False, True))
    read = [port.name for port in whole.get_inputs()[1:]]
    more = {
        name: np.stack([numbers(generator, seed, prompt) for seed, prompt in enumerate(prompts)])
        for name, numbers in CHANCES.items()
        if name in read
    }
    assert levels_apart(answer(whole, features=features, **more), np.array(drawn)) <= most
    assert levels_apart(to_levels(answer(floats, features=features, **more)), np.array(drawn)) <= most
    first = {name: part[:1] for name, part in more.items()}
    assert levels_apart(answer(whole, features=features[:1], **first), np.array(drawn[:1])) <= most


@pytest.mark.parametrize("name", ["google64", "fluent3d"])
def test_shipped_sets__draw_within_a_level(name):
    check(name)


def test_shipped_set__without_denoisers_leans_by_chance():
    check("fluent3d", PROMPTS, {"variety": 1.0}, variety=1.0)


@pytest.mark.parametrize("options", [{"lean": 0.0, "guidance": 1.0}, {"lean": 0.5}])
def test_shipped_set__of_what_leans_less(options):
    check("google64", PROMPTS, options, **options)


def test_shipped_set__with_variety():
    # Where what was decoded is a level apart, the refiner may answer two levels apart.
    check("google64", PROMPTS, {"variety": 4.0}, most=2, variety=4.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("sets"))


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({}, {}),
        ({"guidance": 3.0, "lean": 0.0}, {"guidance": 3.0, "lean": 0.0}),
        ({"guidance": 0.0, "lean": 0.5}, {"guidance": 0.0, "lean": 0.5}),
        ({"variety": 2.0}, {"variety": 2.0}),
        ({"variety": 0.7, "solver": "ddim"}, {"variety": 0.7, "solver": "ddim"}),
        ({"variety": 3.0, "steps": 1}, {"variety": 3.0, "steps": 1}),
    ],
)
def test_set__settings_are_those_of_the_generator(folder, given, options):
    check(folder, ("red heart", "a i juggle hearts", "nothing"), given, **options)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return write_mixed(tmp_path_factory.mktemp("mixed"))


@pytest.mark.parametrize(
    ("options", "read"),
    [
        ({"variety": 2.0}, ["noise", "chance"]),
        ({"variety": 0.7, "lean": 0.5}, ["noise", "chance"]),
        ({"variety": 3.0, "steps": 1, "guidance": 2.0}, ["noise", "chance"]),
        ({"variety": 0.1}, ["chance"]),
        ({"variety": 2.0, "lean": 0.0}, ["noise"]),
        ({"variety": 1e300}, ["noise", "chance"]),
        ({"lean": 0.5}, []),
    ],
)
def test_set__of_prompts_that_lean_by_chance_and_others_that_are_drawn_from_noise(mixed, options, read):
    session = session_of(load_parts([mixed]), **options)
    assert [port.name for port in session.get_inputs()] == ["features", *read]
    check(mixed, KINDS, options, **options)


def test_set__chance_moves_what_leans_and_noise_the_others(mixed):
    session, generator = session_of(load_parts([mixed]), uint8=True, variety=2.0), Generator(mixed)
    given = {"features": generator.table.features(KINDS)}
    given |= {name: np.stack([numbers(generator, 0, one) for one in KINDS]) for name, numbers in CHANCES.items()}
    before, moved = answer(session, **given), {}
    for name, numbers in CHANCES.items():
        after = answer(session, **given | {name: np.stack([numbers(generator, 1, one) for one in KINDS])})
        moved[name] = [not np.array_equal(*pair) for pair in zip(before, after, strict=True)]
    assert moved == {"noise": [True, False, False, True], "chance": [False, True, True, False]}


def test_set__without_denoisers_reads_chance_alone(tmp_path):
    leaning = resealed(write_set(tmp_path, levels=()), "", seen=2.0)
    with pytest.raises(ConfigError, match="steps and solver need noise to take away: a set with denoisers"):
        OnnxFile(variety=1.0, steps=1).model(load_parts([leaning]))
    session = session_of(load_parts([leaning]), variety=1.0)
    assert [port.name for port in session.get_inputs()] == ["features", "chance"]
    told = json.loads(session.get_modelmeta().custom_metadata_map["ports"])
    assert told["chance"].startswith("standard Gumbel numbers, for the training captions that a text is likest")
    check(leaning, KINDS, {"variety": 1.0}, variety=1.0)
    with pytest.raises(ConfigError, match="variety 1 has no effect: the set set has no denoisers, and no text leans"):
        OnnxFile(variety=1.0, lean=0.0).model(load_parts([leaning]))


@pytest.mark.parametrize("count", [100, AMONG, 5])
def test_captions__lean_in_a_graph_as_in_numpy(count):
    draw = np.random.default_rng(count)
    # Every caption is there three times, so that some that are as like as others are not among the likest.
    embeddings = np.repeat(draw.standard_normal((-(-count // 3), 6)), 3, axis=0)[:count]
    captions = Captions.of([str(k) for k in range(count)], embeddings, 6)
    near = draw.standard_normal((40, 6)).astype(np.float32)
    likeness = np.array([captions.likeness(one) for one in near])
    among, seen = min(count, AMONG), float(np.median(likeness.max(1)))
    for variety, share in ((0.0, 1.0), (0.25, 1.0), (1.0, 0.5), (20.0, 1.0), (1e300, 1.0)):

        def build(graph, given, chance="", variety=variety, share=share):
            inside = InGraph.of(graph, captions)
            return inside.leaned(given, inside.likeness(given), seen, share, variety, chance)

        of_all = np.array([chance_of(seed, count) for seed in range(len(near))])
        likest = np.array([ranked(one)[:AMONG] for one in likeness])
        more = {"chance": np.take_along_axis(of_all, likest, 1).astype(np.float32)} if variety else {}
        ports = [Port("given", ("batch", 6), ""), *(Port(name, ("batch", among), "") for name in more)]
        graph = Graph()
        graph.end(build(graph, *(port.name for port in ports)) and "leaned")
        model = model_of(Form(tuple(ports), Port("leaned", ("batch", 6), ""), build), graph, "")
        found = answer(session_of_bytes(model.SerializeToString()), given=near, **more)
        expected = [captions.leaned(one, seen, share, variety, seed) for seed, one in enumerate(near)]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert sum(map(np.array_equal, expected, near)) == len(near) // 2


def test_set__draws_words_by_their_lines():
    session = session_of(load_parts(["google64"]), uint8=True, words=True)
    listed = session.get_modelmeta().custom_metadata_map["words"].split("\n")
    prompt, generator = "flag of germany", Generator("google64")
    words = np.array([[listed.index(word) for word in prompt.split()]])
    # Two behind the refiner, as above.
    assert levels_apart(answer(session, words=words)[0], generator.draw(prompt)[0].picture) <= 2
    assert levels_apart(answer(session, words=0 * words - 1)[0], generator.draw("")[0].picture) <= 2


def test_set__says_its_styles_and_how_they_are_asked_for(folder, tmp_path):
    assert "styled" not in session_of(load_parts([folder])).get_modelmeta().custom_metadata_map
    styled = write_set(tmp_path, styles=("warm", "pale"))
    told = session_of(load_parts([styled])).get_modelmeta().custom_metadata_map
    assert (json.loads(told["set"])["styles"], told["styled"]) == (["pale", "warm"], "CAPTION, STYLE")
    # The prompt that the graph is given is the joined one.
    check(styled, ("a red heart, warm", "pale"))
    generator = Generator(styled)
    np.testing.assert_array_equal(
        generator.draw("a red heart, warm")[0].picture, generator.draw("a red heart", style="warm")[0].picture
    )


def test_set__has_no_denoiser_so_low(folder):
    with pytest.raises(ConfigError, match=r"variety 0.1 has no effect: the set set has denoisers from level 0.5 on"):
        OnnxFile(variety=0.1).model(load_parts([folder]))
    for asked in ({"steps": 2}, {"solver": "ddim"}):
        with pytest.raises(ConfigError, match="steps and solver need noise to take away: a set with denoisers"):
            OnnxFile(**asked).model(load_parts([folder]))
    with pytest.raises(ConfigError, match="solver must be dpm or ddim; got 'euler'"):
        OnnxFile(solver="euler").model(load_parts([folder]))


def test_set__modules_that_are_no_set_are_refused(folder, tmp_path):
    parts = load_parts([folder])
    with pytest.raises(ConfigError, match="writes one module, or one set; got decoder, encoder"):
        export(parts[:2], "onnx", tmp_path / "two.onnx")
    with pytest.raises(ConfigError, match="writes one module, or one set"):
        export(parts + parts, "onnx", tmp_path / "two.onnx")
    with pytest.raises(
        ConfigError, match="float16 is too coarse for sums of so many units as in mean, text, and moves"
    ):
        export(parts, "onnx", tmp_path / "half.onnx", options={"fp16": "1"})
    assert not [*tmp_path.iterdir()]


def test_set__a_module_of_it_is_exported_alone(folder):
    (decoder,) = [part for part in load_parts([folder]) if part.name == "decoder"]
    assert [one.name for one in session_of([decoder]).get_inputs()] == ["latents"]
