"""Styles: a prompt with one is read as the training captions that have it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from olacore.drawing.generator import Generator
from olacore.drawing.job import recalled
from olacore.drawing.module_set import open_set
from olacore.drawing.pictures import write_drawing
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together
from olacore.errors import ConfigError, FileFormatError
from olacore.exports.base import export
from olacore.exports.given import load_parts
from olacore.reports.inspection import describe
from tests.support.set_samples import LEVELS, resealed, write_set

# Words that the table knows, so that they move the embedding.
STYLES = ("warm", "", "juggle pale")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"), styles=STYLES)


@pytest.fixture(scope="module")
def generator(folder) -> Generator:
    return Generator(folder, kernels=False)


def test_bundle__keeps_the_styles_of_training(folder, tmp_path):
    assert open_set(folder).styles == ("juggle pale", "warm")
    assert describe(folder)["styles"] == ["juggle pale", "warm"]
    assert describe(folder.parent / "data.h5")["sources by style"] == {"juggle pale": 14, "warm": 14}
    assert Generator(folder, kernels=False).captions.listed[:3] == [
        "a red heart, warm",
        "a green heart",
        "a blue heart, juggle pale",
    ]
    plain = write_set(tmp_path)
    assert "styles" not in json.loads((plain / "set.json").read_text())
    assert (open_set(plain).styles, open_set(plain).style, "styles" in describe(plain)) == ((), "", False)
    told = load_parts([folder])[0].about["set"]
    assert (told["styles"], told["style"]) == (["juggle pale", "warm"], "")
    assert "styles" not in load_parts([plain])[0].about["set"]


def test_share__tells_the_styles_on_the_card(folder, tmp_path):
    export(load_parts([folder]), "hub", tmp_path / "shared")
    assert "of what a text says. Its styles: juggle pale, warm." in (tmp_path / "shared" / "README.md").read_text()
    assert open_set(tmp_path / "shared").styles == ("juggle pale", "warm")


@pytest.mark.parametrize("style", ["warm", " Juggle  PALE"])
def test_draw__in_a_style_is_to_draw_the_caption_with_it(generator, style):
    plain = " ".join(style.lower().split())
    given = {"negative": "a boat", "variety": LEVELS[-1], "seed": 3, "lean": 0.5}
    for prompt in ("a red heart", "draw me a fox", "a haert"):
        (one,) = generator.draw(prompt, style=style, **given)
        (other,) = generator.draw(f"{prompt}, {plain}", **given)
        (both,) = generator.draw(f"{prompt}, {plain}", style=style, **given)
        np.testing.assert_array_equal(one.picture, other.picture)
        np.testing.assert_array_equal(both.picture, other.picture)
        assert (one.notes, one.nearest) == (other.notes, other.nearest)
        assert (one.record["prompt"], one.record["style"], one.settings.style) == (prompt, plain, plain)
        assert (other.record["style"], both.record) == (plain, other.record)
    assert not np.array_equal(
        generator.draw("a red heart", style=style)[0].picture, generator.draw("a red heart")[0].picture
    )


@pytest.mark.parametrize("prompt", ["xqzv", "", "  "])
def test_draw__of_nothing_that_is_known_has_no_style(generator, prompt):
    (one,), (other,) = generator.draw(prompt, style="warm"), generator.draw(prompt)
    np.testing.assert_array_equal(one.picture, other.picture)
    assert (one.notes, one.record) == (other.notes, other.record)
    assert one.notes[-1].endswith("this is the mean of all training pictures")


def test_negative__is_in_the_style_of_the_prompt(generator):
    found = generator.draw("a red heart", style="warm", negative="a boat")[0].picture
    for style, negative in (("warm", "a boat, warm"), ("", "a boat, warm")):
        (other,) = generator.draw("a red heart, warm", style=style, negative=negative)
        np.testing.assert_array_equal(other.picture, found)
    plain = generator.draw("a red heart", negative="a boat")[0].picture
    assert not np.array_equal(generator.draw("a red heart", negative="a boat, warm")[0].picture, plain)


def test_negative__may_name_a_style_of_its_own(generator):
    expected = generator.text_means(["a red heart, warm"], Settings(negative="a boat, juggle pale"))
    given = Settings(style="warm", negative="a boat, juggle pale")
    np.testing.assert_array_equal(generator.text_means(["a red heart"], given), expected)
    assert not np.array_equal(
        generator.text_means(["a red heart"], Settings(style="warm", negative="a boat")), expected
    )


def test_text_means__read_the_negative_in_the_style_of_each_prompt(generator):
    prompts, asked = ["a red heart, warm", "a green fox, juggle pale", "a hat"], Settings(negative="a boat")
    together = generator.text_means(prompts, asked)
    for prompt, found in zip(prompts, together, strict=True):
        np.testing.assert_allclose(generator.text_means([prompt], asked)[0], found, rtol=1e-5, atol=1e-6)


def test_draw__takes_a_style_that_stands_in_the_prompt(tmp_path):
    usual = Generator(write_set(tmp_path, styles=("warm", "juggle pale", "warm")), kernels=False)
    for prompt, style in (("a juggle pale heart", "juggle pale"), ("a warm fox, juggle pale", "juggle pale")):
        (one,), (other,) = usual.draw(prompt), usual.draw(prompt, style=style)
        np.testing.assert_array_equal(one.picture, other.picture)
        assert one.record["style"] == style


def test_draw__without_a_style_is_in_the_usual_one_where_all_training_pictures_have_one(tmp_path):
    usual = Generator(write_set(tmp_path, styles=("warm", "juggle pale", "warm")), kernels=False)
    assert (usual.set.styles, usual.set.style) == (("juggle pale", "warm"), "warm")
    assert describe(usual.set.folder)["style where none is asked for"] == "warm"
    for prompt, style in (("a red heart", "warm"), ("a red heart, juggle pale", "juggle pale"), ("xqzv", "")):
        given = {"negative": "a boat"}
        (one,), (other,) = usual.draw(prompt, **given), usual.draw(prompt, style=style, **given)
        np.testing.assert_array_equal(one.picture, other.picture)
        assert one.record == other.record
        assert one.record["style"] == style
    assert usual.draw("a fox")[0].nearest == usual.draw("a fox, warm")[0].nearest


def test_together__has_the_bytes_of_each_alone(folder):
    generator = Generator(folder)
    settings = [Settings(style=style, negative=negative) for style in ("", *STYLES) for negative in ("", "a fox")]
    wishes = [Wish(prompt, one) for prompt in ("a red heart", "", "xqzv", "a red heart, warm") for one in settings]
    for wish, drawn in zip(wishes, draw_together(generator, wishes), strict=True):
        (alone,) = generator.draw(wish.prompt, wish.settings)
        np.testing.assert_array_equal(drawn.picture, alone.picture)
        assert (drawn.notes, drawn.nearest, drawn.record) == (alone.notes, alone.nearest, alone.record)


def test_draw__in_a_style_that_the_set_does_not_know(generator, tmp_path):
    asked = Settings(style="Dotted")
    with pytest.raises(ConfigError, match="^the set set knows the styles juggle pale, warm; got the style 'Dotted'.$"):
        generator.draw("a fox", asked)
    for call in (generator.check, lambda one: draw_together(generator, [Wish("a fox", one)])):
        with pytest.raises(ConfigError, match="got the style 'Dotted'"):
            call(asked)
    with pytest.raises(ConfigError, match="style must be a text, empty for none; got None"):
        generator.draw("a fox", style=None)
    none = Generator(write_set(tmp_path), kernels=False)
    with pytest.raises(ConfigError, match="^the set set knows no styles; leave the style 'warm' out.$"):
        none.draw("a fox", style="warm")


@pytest.mark.parametrize("styles", ["warm", [], [3], ["Warm"], ["warm", "warm"], ["--"], ["a" * 101], [["warm"]]])
def test_set__with_damaged_styles_is_refused(tmp_path, styles):
    damaged = resealed(write_set(tmp_path, styles=STYLES), "set.json", styles=styles)
    with pytest.raises(FileFormatError, match=r"set\.json is damaged: .*styles"):
        open_set(damaged)


@pytest.mark.parametrize("style", ["dotted", "Warm", 3, "a" * 101])
def test_set__whose_own_style_is_none_of_its_styles_is_refused(tmp_path, style):
    damaged = resealed(write_set(tmp_path, styles=STYLES), "set.json", style=style)
    with pytest.raises(FileFormatError, match=r"set\.json is damaged: style"):
        open_set(damaged)


def test_recalled__pictures_of_before_have_no_style(generator, tmp_path):
    (drawn,) = generator.draw("a fox", style="warm")
    about = {**drawn.record, "count": 1}
    write_drawing(tmp_path / "new.png", drawn.picture, about)
    assert recalled(tmp_path / "new.png")[:2] == ("a fox", Settings(style="warm"))
    del about["style"]
    write_drawing(tmp_path / "old.png", drawn.picture, about)
    assert recalled(tmp_path / "old.png")[:2] == ("a fox", Settings())
    write_drawing(tmp_path / "bad.png", drawn.picture, about | {"style": 3})
    with pytest.raises(FileFormatError, match="style must be text"):
        recalled(tmp_path / "bad.png")
