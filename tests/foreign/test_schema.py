"""Checks of values from files: each says its place, what was expected, and what came."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from olacore.errors import FileFormatError
from olacore.foreign.schema import (
    Misfit,
    both,
    either,
    fields_of,
    flag,
    listed,
    maybe,
    number,
    one_of,
    record,
    require,
    text,
    whole,
)


@dataclass
class Thing:
    size: int
    name: str = ""
    share: float = 0.5
    parts: list[int] = field(default_factory=list)


@pytest.mark.parametrize(
    ("check", "good", "bad", "sentence"),
    [
        (whole(1, 9), 9, 10, "must be a whole number from 1 to 9; got 10"),
        (whole(), 0, 16.0, "must be a whole number of 0 or more; got 16.0"),
        (whole(), 1, True, "must be a whole number of 0 or more; got True"),
        (number(0), 2, -0.5, "must be a number of 0 or more; got -0.5"),
        (number(), 1.5, float("inf"), "must be a number; got inf"),
        (number(0, 1), 1, "1", "must be a number of 0 or more up to 1; got '1'"),
        (text(3), "abc", "abcd", "must be text of at most 3 characters; got 'abcd'"),
        (text(), "", None, "must be text of at most 4096 characters; got None"),
        (flag, False, 0, "must be true or false; got 0"),
        (one_of(["a", "b"]), "a", [], "must be one of a, b; got []"),
        (maybe(whole()), None, "", "must be a whole number of 0 or more; got ''"),
        (listed(whole(), 2, 2), [1, 2], [1], "must be a list of 2 entries; got [1]"),
        (listed(whole()), [], [0, -1], "[1] must be a whole number of 0 or more; got -1"),
        (either(whole(), flag, "a count or a flag"), True, "x", "must be a count or a flag; got 'x'"),
        (both(whole(), number(2)), 2, 1, "must be a number of 2 or more; got 1"),
        (record({"a": whole()}), {"a": 1, "b": 2}, {"b": 2}, ".a is missing"),
        (record({}, {"a": whole()}), {}, {"a": {}}, ".a must be a whole number of 0 or more; got {}"),
        (record({}, {"a": whole()}, closed=True), {"a": 1}, {"c": 1}, "has an unknown entry 'c'; known are a"),
        (record({}), {}, [], "must be an object; got []"),
        (fields_of(Thing), {"size": 1}, {"size": 1, "share": "half"}, ".share must be a number; got 'half'"),
        (fields_of(Thing), {"size": 1, "parts": 3}, {"name": "x"}, ".size is missing"),
        (text(9), "x", "y" * 100, "must be text of at most 9 characters; got '" + "y" * 59 + ".."),
    ],
)
def test_check__says_place_expectation_and_value(check, good, bad, sentence):
    check(good, "place")
    with pytest.raises(Misfit) as caught:
        check(bad, "place")
    assert str(caught.value).removeprefix("place").lstrip() == sentence


def test_require__names_the_file():
    assert require(whole(), 3, "x.json") == 3
    with pytest.raises(FileFormatError, match=r"^x\.json is damaged: a\.b\[0\] must be true or false; got 1\.$"):
        require(record({"a": record({"b": listed(flag)})}), {"a": {"b": [1]}}, "x.json")
