"""JSON from files: what is no sound value is refused in one sentence."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.errors import FileFormatError
from olacore.json_text import DEEPEST, parse_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # Halves of surrogate pairs are what Hypothesis leaves out of text that can be encoded.
    | st.text(st.characters(codec="utf-8")),
    lambda part: st.lists(part) | st.dictionaries(st.text(st.characters(codec="utf-8")), part),
    max_leaves=12,
)


@given(VALUES)
def test_parse_json__gives_back_what_was_written(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False).encode()):
        assert parse_json(text, "it") == value


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_parse_json__raises_nothing_but_its_error(text):
    with suppress(FileFormatError):
        json.dumps(parse_json(text, "it"), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "x.json is no JSON: expecting value at line 1, column 1."),
        ("{'a': 1}", "x.json is no JSON: expecting property name enclosed in double quotes at line 1, column 2."),
        (
            b"<!DOCTYPE html>",
            "x.json is no JSON: it is a page of HTML, such as of an error or a login; download it again.",
        ),
        (b"\xff\xfe\xfd", "x.json is no JSON: it is no text in UTF-8."),
        (b'"\xed\xa0\x80"', "x.json is no JSON: it is no text in UTF-8."),
        ('"\\ud800"', "x.json is no JSON: it is no text in UTF-8."),
        ('{"\\ud800": 1}', "x.json is no JSON: it is no text in UTF-8."),
        ("[" * 100_000, "x.json is no JSON of ours: it is nested more than 64 levels deep."),
        (
            "[" * (DEEPEST + 2) + "]" * (DEEPEST + 2),
            "x.json is no JSON of ours: it is nested more than 64 levels deep.",
        ),
        ('{"a": NaN}', "x.json is no JSON of ours: NaN is no number of JSON."),
        ("-Infinity", "x.json is no JSON of ours: -Infinity is no number of JSON."),
        ("[1e999]", "x.json is no JSON of ours: it holds a number that is too large."),
        (str(2**64), f"x.json is no JSON of ours: the number {2**64} has more than 64 bits."),
        ("9" * 5000, f"x.json is no JSON of ours: the number {'9' * 40}.. has more than 64 bits."),
        ('{"a": 1, "b": 2, "a": 3}', "x.json is no JSON of ours: it names the key 'a' twice."),
        (" " * 5_000_000, "x.json is too large: it has 5000000 bytes of JSON; at most 4194304 are read."),
    ],
)
def test_parse_json__says_what_is_wrong(text, sentence):
    with pytest.raises(FileFormatError) as caught:
        parse_json(text, "x.json")
    assert str(caught.value) == sentence


def test_parse_json__takes_a_byte_order_mark():
    assert parse_json('{"a": 1}'.encode("utf-8-sig"), "x.json") == {"a": 1}
    assert parse_json(b"\xff\xfe" + '{"a": 1}'.encode("utf-16-le"), "x.json") == {"a": 1}
