"""Prompts whose pattern no training caption has, of sets whose captions are made of a few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from bench.drawn.scenes import STYLES, TRAIN, Split, choose, in_styles
from olacore.drawing import wording
from olacore.drawing.captions import Captions
from olacore.drawing.generator import Generator
from olacore.drawing.module_set import open_set
from olacore.drawing.notes import on_wording
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together
from olacore.drawing.wording import Wording, alike
from olacore.text.table import WordTable
from olacore.text.words import words_in
from tests.support.set_samples import of_scenes, write_set


def worded(captions: Sequence[str], styles: Sequence[str] = ()) -> Wording:
    words = sorted({word for caption in [*captions, *styles, "other"] for word in words_in(caption)})
    table = WordTable.of(words, np.random.default_rng(0).standard_normal((len(words), 4)), np.ones(len(words)), 4)
    return Wording(table, captions, styles)


def drawn_set(count: int, seed: int, styles: bool) -> tuple[list[str], list[str]]:
    """Captions of the drawn set, of training and others."""
    scenes, split = choose(count, seed), Split.of(seed)
    parts: tuple[list[str], list[str]] = [], []
    for scene in in_styles(scenes, seed) if styles else scenes:
        parts[split.part_of(scene) != TRAIN].append(scene.caption)
    return parts


@pytest.mark.parametrize("styles", [False, True])
@pytest.mark.parametrize("count", [500, 2750])
@pytest.mark.parametrize("seed", range(3))
def test_wording__new_captions_of_the_drawn_set_have_a_known_pattern(count, seed, styles):
    train, others = drawn_set(count, seed, styles)
    found = worded(train, STYLES if styles else ())
    assert len(others) > 100
    assert [text for text in [*train, *others] if not found.has(text)] == []


@pytest.mark.parametrize("styles", [False, True])
def test_wording__of_other_prompts_of_the_same_words(styles):
    found = worded(drawn_set(1000, 0, styles)[0], STYLES if styles else ())
    for prompt in (
        "red heart, blue square",
        "blue square red heart",
        "heart red above square blue",
        "a red heart above a blue square above a green star",
        "a red heart left a blue square",
        "above a red heart a blue square",
        "a heart",
        "two hearts",
        "three red heart",
        "red",
        "small large red heart",
    ):
        assert not found.has(prompt), prompt
    assert not found.has("a heatr red"), "it is read as a heart"
    for prompt in ("Draw me a red heart above a blue square, please", "purple circle", "two small red hearts"):
        assert found.has(prompt), prompt
    for prompt in ("red heart and other square", "other"):
        assert found.has(prompt), "a word that no caption has is told otherwise"
    if styles:
        for prompt in ("an outlined red heart", "red outlined heart", "a red heart, outlined"):
            assert found.has(prompt), prompt
        assert not found.has("outlined")


def test_wording__of_captions_that_are_worded_freely_tells_nothing():
    captions = Captions.read(open_set("google64").files["captions"]).listed
    assert worded(captions[::4]).has("face face red of with")
    few = ["a red heart", "a blue heart", "a big red ship with a flag"]
    assert worded(few).has("heart red")
    assert not worded(few[:2] * 3).has("heart red")
    many = [f"a {colour} thing{number}" for colour in ("red", "blue") for number in range(50)]
    alone = ["a red ship with a flag", "flags", "a flag on each of two ships"]
    assert worded([*many, *alone]).has("thing1 red"), "3 of 103"
    assert not worded([*many, *alone[:2]]).has("thing1 red"), "2 of 102"


def test_wording__of_more_captions_than_are_compared(monkeypatch):
    train, others = drawn_set(2750, 0, False)
    monkeypatch.setattr(wording, "COMPARED", 300)
    found = worded(train)
    assert all(map(found.has, [*train, *others]))
    assert not found.has("red heart, blue square")


def test_alike__are_words_that_texts_differ_in():
    assert alike([(0, 1), (0, 2), (3, 4), (3,), (5, 2), (6, 7, 8), (6, 9, 8)]) == {
        0: 0, 5: 0, 1: 1, 2: 1, 3: 3, 4: 4, 6: 6, 7: 7, 9: 7, 8: 8,
    }  # fmt: skip


def test_notes__on_prompts_of_another_pattern(tmp_path):
    scenes = Generator(write_set(tmp_path / "scenes", levels=(), **of_scenes()), kernels=False)
    plain = Generator(write_set(tmp_path / "plain", levels=(), encoder=False), kernels=False)
    for prompt, negative, count in (
        ("a red heart", "", 0),
        ("heart red", "", 1),
        ("a red heart, a blue fox", "", 1),
        ("a red heart", "heart red", 0),
        ("heart red with juggle", "", 0),
        ("xyzzy", "", 0),
        ("", "", 0),
    ):
        asked = Settings(negative=negative)
        (drawn,) = scenes.draw(prompt, asked)
        notes = [on_wording(drawn.nearest[0][0])] if count else []
        assert [note for note in drawn.notes if "worded" in note] == notes
        assert draw_together(scenes, [Wish(prompt, asked)])[0].notes == drawn.notes
        assert not any("worded" in note for note in plain.draw(prompt, asked)[0].notes)
