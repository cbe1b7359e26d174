"""Documents in short lines that mean the same as long ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.common.markdown import MARK, WIDTH, wrap, write_markdown
from bench.common.tables import Table

WORDS = ["a", "word", "-", "+", "1.", "12)", "#", "##", ">", "|", "---", "=", "`code", "x`", "-0.5", "longer-than-most"]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=60), st.integers(10, 40))
def test_wrap__keeps_all_words_and_begins_no_line_with_a_mark(words, width):
    lines = wrap(" ".join(words), width).split("\n")
    assert " ".join(lines).split() == words
    for line in lines[1:]:
        assert not MARK.match(line.split()[0])
    for line in lines:
        # A longer line has no place to break it at.
        assert len(line) <= width or all(MARK.match(word) for word in line.split()[1:])


def test_wrap__leaves_a_word_whole_that_is_longer_than_a_line():
    assert wrap("see https://example.org/a/long/address here", 12) == "see\nhttps://example.org/a/long/address\nhere"


def test_write_markdown__breaks_text_and_nothing_else():
    code = "```\n" + "ola " * 40 + "\n```"
    heading = "# " + "heading " * 20
    text = write_markdown([heading, "word " * 40, code, Table(["name", "n"], [["a " * 60, "1"]], "Sizes"), "end"])
    blocks = text.removesuffix("\n").split("\n\n")
    assert blocks[0] == heading
    assert blocks[2] == code
    assert blocks[3] == "## Sizes"
    assert blocks[4].split("\n")[:2] == ["| name | n |", "| --- | ---: |"]
    assert blocks[5] == "end"
    assert [len(line) <= WIDTH for line in blocks[1].split("\n")] == [True, True]


@pytest.mark.parametrize("left", [(0,), (0, 1)])
def test_write_markdown__numbers_stand_on_the_right(left):
    marks = write_markdown([Table(["a", "b"], [["x", "1"]], left=left)]).split("\n")[1]
    assert marks == ("| --- | ---: |" if left == (0,) else "| --- | --- |")
