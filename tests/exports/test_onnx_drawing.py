"""A set as one ONNX graph: ONNX Runtime draws what the generator does."""

from __future__ import annotations

import json

import numpy as np
import pytest

from olacore.drawing.generator import Generator
from olacore.drawing.sampler import noise_of
from olacore.errors import ConfigError
from olacore.exports.base import export
from olacore.exports.given import load_parts
from olacore.exports.onnx_file import OnnxFile
from olacore.text.emoji import name_emoji
from tests.support.makers import JIT
from tests.support.onnx_runs import answer, levels_apart, session_of, to_levels
from tests.support.set_samples import write_set

pytestmark = pytest.mark.skipif(not JIT, reason="pictures take minutes without the JIT")
PROMPTS = ("a red heart", "firefighter", "a photograph of a dragon playing chess", "🙂", "xqzv", "")


def check(reference, prompts=PROMPTS, given=None, most=1, **options) -> None:
    """Every prompt alone and all at once, by floats and by bytes."""
    parts, generator = load_parts([reference]), Generator(reference)
    features = generator.table.features([name_emoji(prompt) for prompt in prompts])
    drawn = [generator.draw(prompt, seed=seed, **given or {})[0].picture for seed, prompt in enumerate(prompts)]
    more = {}
    if (given or {}).get("variety"):
        shape = (1, *generator.text_means([""]).shape[1:])
        more["noise"] = np.concatenate([noise_of(seed, shape) for seed in range(len(prompts))])
    floats, whole = (session_of(parts, uint8=uint8, **options) for uint8 in (False, True))
    assert levels_apart(answer(whole, features=features, **more), np.array(drawn)) <= most
    assert levels_apart(to_levels(answer(floats, features=features, **more)), np.array(drawn)) <= most
    first = {name: part[:1] for name, part in more.items()}
    assert levels_apart(answer(whole, features=features[:1], **first), np.array(drawn[:1])) <= most


@pytest.mark.parametrize("name", ["google64", "fluent3d"])
def test_shipped_sets__draw_within_a_level(name):
    check(name)


@pytest.mark.parametrize("options", [{"lean": 0.0, "guidance": 1.0}, {"lean": 0.5}])
def test_shipped_set__of_what_leans_less(options):
    check("google64", PROMPTS, options, **options)


def test_shipped_set__with_variety():
    # Where what was decoded is a level apart, the refiner may answer two levels apart.
    like_captions = [prompt for prompt in PROMPTS if "dragon" not in prompt]
    check("google64", like_captions, {"variety": 4.0}, most=2, variety=4.0)


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
    with pytest.raises(ConfigError, match=r"variety 0.1 is below the levels of the denoisers of set: 2, 0.5\."):
        OnnxFile(variety=0.1).model(load_parts([folder]))
    for asked in ({"steps": 2}, {"solver": "ddim"}):
        with pytest.raises(ConfigError, match="steps and solver need noise to take away; give variety too"):
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
