"""What is said beside pictures: words that are not known, of negative prompts too, or that no training caption has."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.drawing.generator import Generator
from olacore.drawing.notes import NO_AWAY
from olacore.drawing.settings import Settings
from olacore.drawing.together import Wish, draw_together
from tests.support.set_samples import of_scenes, write_set


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Generator:
    return Generator(write_set(tmp_path_factory.mktemp("set")), kernels=False)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Generator:
    return Generator(write_set(tmp_path_factory.mktemp("scenes"), levels=(), **of_scenes()), kernels=False)


@pytest.mark.parametrize(
    ("prompt", "note"),
    [
        ("", "the prompt is empty: this is the mean of all training pictures"),
        (" \t", "the prompt is empty"),
        ("\u96ea \x07 \U000f0000", "nothing of the prompt is known"),
        ("a red xyzzy", "'xyzzy' is not known; left out"),
        ("juggler", "'juggler' is not known; read as 'juggle'"),
        ("xyzzy " * 10_000, "'xyzzy' is not known"),
        (" ".join(f"xyzzy{number}" for number in range(10_000)), "9,992 more words are not known"),
    ],
)
def test_notes__say_what_is_not_known(plain, prompt, note):
    (drawn,) = plain.draw(prompt)
    assert any(text.startswith(note) for text in drawn.notes), drawn.notes


def test_notes__emoji_are_read_by_their_names(plain):
    (drawn,) = plain.draw("\N{FOX FACE}")
    np.testing.assert_array_equal(drawn.picture, plain.draw("fox")[0].picture)
    assert not drawn.notes


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("a red heart", ""),
        ("Draw me a red heart with a fox, please", "'with'"),
        ("i juggle red hearts with a fox and i juggle", "'i', 'juggle', 'hearts' or 'with'"),
        ("heart's fox", ""),
        ("\N{FOX FACE} with \N{FOX FACE}", "'with'"),
    ],
)
def test_notes__name_words_that_no_caption_of_scenes_has(scenes, plain, prompt, words):
    (drawn,) = scenes.draw(prompt)
    expected = [f"no training caption has {words}; the picture may be a smear"] if words else []
    assert [note for note in drawn.notes if "caption has" in note] == expected
    assert not any("caption has" in note for note in plain.draw(prompt)[0].notes), "such a set says how near it is"


def test_notes__name_words_of_the_negative_that_no_caption_of_scenes_has(scenes, plain):
    asked = Settings(negative="i juggle xyzzy with a red heart")
    (drawn,) = scenes.draw("a red heart", asked)
    assert drawn.notes == (
        "'xyzzy' of the negative prompt is not known; left out",
        "no training caption has 'i', 'juggle' or 'with' of the negative prompt; the picture may be a smear",
    )
    assert draw_together(scenes, [Wish("a red heart", asked)])[0].notes == drawn.notes
    assert not any("caption has" in note for note in plain.draw("a red heart", asked)[0].notes)


def test_notes__name_a_few_of_many_words(scenes, monkeypatch):
    monkeypatch.setattr("olacore.drawing.notes.MOST_NAMED", 2)
    (drawn,) = scenes.draw("i juggle hearts with xyzzy")
    assert "no training caption has 'i', 'juggle' or 2 more words; the picture may be a smear" in drawn.notes


@pytest.mark.parametrize(
    ("negative", "notes"),
    [
        ("a boat", []),
        ("  ", []),
        ("qqqqzx", [NO_AWAY]),
        ("a boat, a qqqqzx", ["'qqqqzx' of the negative prompt is not known; left out"]),
        ("juggler", ["'juggler' of the negative prompt is not known; read as 'juggle'"]),
    ],
)
def test_notes__say_what_of_the_negative_is_not_known(plain, negative, notes):
    (drawn,) = plain.draw("a fox", negative=negative)
    assert [*drawn.notes] == notes
    (together,) = draw_together(plain, [Wish("a fox", Settings(negative=negative))])
    assert together.notes == drawn.notes
