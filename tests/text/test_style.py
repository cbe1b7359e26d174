"""How styles are style_in together with captions."""

import pytest

from olacore.text.style import MOST_STYLE, is_style, plain_style, style_in, styled
from olacore.text.words import words_read


def test_styled__stands_behind_and_moves_no_word():
    assert styled("a red heart", "outlined") == "a red heart, outlined"
    assert styled("a red heart", "") == "a red heart"
    assert styled("a red heart; OUTLINED", "outlined") == "a red heart; OUTLINED", "it is style_in already"
    for prompt in ("a red heart", "draw me a red heart", "please show us the red heart"):
        assert words_read(styled(prompt, "ink wash")) == ["red", "heart", "ink", "wash"]


def test_style_in__is_the_last_and_longest_style_that_a_text_has():
    styles = ["ink", "pale ink", "oil"]
    for text, style in (
        ("a fox, Pale INK.", "pale ink"),
        ("ink", "ink"),
        ("a fox", ""),
        ("", ""),
        ("an ink fox", "ink"),
        ("an oil fox in pale ink", "pale ink"),
        ("a pale ink fox, oil", "oil"),
        ("pale fox", ""),
        ("a pink", ""),
    ):
        assert style_in(text, styles) == style


def test_plain_style__has_one_spelling():
    assert plain_style("  Ink \t WASH\n") == "ink wash"
    assert is_style("ink wash")


@pytest.mark.parametrize("text", ["", "Ink", "ink  wash", " ink", "--", "ink\nwash", "ink\0", "a" * (MOST_STYLE + 1)])
def test_is_style__of_what_is_none(text):
    assert not is_style(text)
