"""Names from elsewhere: shown, put into JSON, and made into names of files."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.foreign.names import alike, file_name, json_value, shown

ANY = st.text(st.characters(exclude_categories=[]))


@given(ANY)
def test_shown__can_be_printed_and_has_one_line(text):
    line = shown(text)
    line.encode()
    assert len(line.splitlines()) <= 1
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in line)


def test_shown__keeps_plain_text_and_lines_where_asked():
    kept = "Straße 中 [x] \U0001f469\u200d\U0001f4bb"
    assert shown(kept) == kept
    assert shown("a\nb\tc") == r"a\nb\tc"
    assert shown("a\nb\tc", lines=True) == "a\nb\\tc"
    assert shown(os.fsdecode(b"\xff")) == r"\xff"


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("1", [f"{number}.png" for number in range(1000, 1400)], "1000.png, 1001.png or 1002.png"),
        ("photo", ["photograph", "photographs", "photos", "photons"], "photos, photons or photograph"),
        ("captions.csv", ["CAPTIONS.CSV"], "CAPTIONS.CSV"),
        ("Captoins.csv", ["CAPTIONS.CSV", "photos"], "CAPTIONS.CSV"),
        ("SCENE", ["scenes", "emoji"], "scenes"),
        ("one", ["two", "THREE"], ""),
        ("one", [], ""),
    ],
)
def test_alike__names_a_few_in_any_capitals(name, known, meant):
    assert alike(name, known) == meant


@given(st.recursive(ANY | st.floats() | st.none(), lambda each: st.lists(each) | st.dictionaries(ANY, each)))
def test_json_value__is_unicode_and_finite(value):
    text = json.dumps(json_value(value), allow_nan=False, ensure_ascii=False)
    text.encode()


@given(ANY)
def test_file_name__lies_in_its_folder(text):
    name = file_name(text)
    assert Path("out", name).parent == Path("out")
    assert Path("out", name).name == name
    assert os.path.normpath(f"out/{name}") == f"out{os.sep}{name}"
    assert 0 < len(name.encode()) < 210
    assert name[0] not in ".- "
    assert name[-1] not in ". "
    assert file_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("holiday", "holiday"),
        ("Straße 中", "Straße 中"),
        ("..", "_"),
        (".", "_"),
        ("", "_"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c:d\0e\nf", "a_b_c_d_e_f"),
        ("CON", "_CON"),
        ("lpt1.png", "_lpt1.png"),
        ("-rf", "_-rf"),
        ("x" * 300, "x" * 200),
        ("中" * 100, "中" * 66),
        (os.fsdecode(b"\xff"), "_"),
    ],
)
def test_file_name__of_what_is_dangerous(text, name):
    assert file_name(text) == name
