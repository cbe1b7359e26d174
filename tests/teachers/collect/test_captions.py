"""Captions: none lost, none cut, and a word where a table is odd."""

import logging
import os
import unicodedata
from pathlib import Path

import pytest

from olacore.media.find import Input
from teachers.collect.captions import MOST, CaptionRule, Captions


def first(captions: Captions, source: Input) -> str:
    return next(iter(captions.of(source).captions), "")


def captions_of(folder: Path, *names: str, content: bytes | None = None) -> list[str]:
    if content is not None:
        (folder / "captions.tsv").write_bytes(content)
    captions = Captions(CaptionRule())
    return [first(captions, Input(folder / name, "picture")) for name in names]


def test_captions__from_a_table_or_the_name(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text("one.png\tlater table\nthree.png\tdrei\n", encoding="utf-8")
    (tmp_path / "a.TSV").write_text("one.png\ta cät \tmore\n\nfour.png\t\n", encoding="utf-8")
    (tmp_path / "._a.tsv").write_bytes(b"\0\5\x16\7one.png\twrong")
    one, two, three = (Input(tmp_path / f"{name}.png", "picture") for name in ("one", "two_red-birds.1", "three"))
    plain, named = Captions(CaptionRule()), Captions(CaptionRule("names"))
    assert [first(plain, source) for source in (one, two, three)] == ["a cät", "", "drei"]
    assert [first(named, source) for source in (one, two, three)] == ["a cät", "two red birds 1", "drei"]
    assert first(plain, Input(tmp_path / "x.zip", "picture", "folder/three.png")) == "drei"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_captions__of_every_encoding_with_a_mark(tmp_path: Path, encoding: str) -> None:
    content = "a.png\tröd\r\nb.png\tgrön\n".encode(encoding)
    assert captions_of(tmp_path, "a.png", "b.png", content=content) == ["röd", "grön"]


def test_captions__without_utf_8_are_taken_as_windows_1252(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert captions_of(tmp_path, "a.png", content="a.png\tgrün, 5 €".encode("cp1252")) == ["grün, 5 €"]
    assert "no UTF-8 from byte 8 on; taken as Windows-1252" in caplog.text


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\v", "\f", "\x1c", "\x1e", "\r"])
def test_captions__only_a_line_feed_ends_a_line(tmp_path: Path, character: str) -> None:
    content = f"a.png\tred{character}and round\nb.png\tgreen".encode()
    assert captions_of(tmp_path, "a.png", "b.png", content=content) == [f"red{character}and round", "green"]


def test_captions__a_nul_is_a_blank(tmp_path: Path) -> None:
    assert captions_of(tmp_path, "a.png", content=b"a.png\tred\0and round\0\n") == ["red and round"]


def test_captions__names_in_both_forms_of_unicode(tmp_path: Path) -> None:
    for form, other in (("NFC", "NFD"), ("NFD", "NFC")):
        folder = tmp_path / form
        folder.mkdir()
        content = unicodedata.normalize(form, "blå.png\tblue\n").encode()
        assert captions_of(folder, unicodedata.normalize(other, "blå.png"), content=content) == ["blue"]


@pytest.mark.parametrize(
    ("line", "caption"),
    [
        ('a.png\t"a ""red"" cat"', 'a "red" cat'),
        ('"a.png"\t"a red cat"', "a red cat"),
        ('a.png\t"Mona Lisa"', '"Mona Lisa"'),
        ('a.png\t"tall', '"tall'),
        ('a.png\tsay "red"', 'say "red"'),
    ],
)
def test_captions__quotes(tmp_path: Path, line: str, caption: str) -> None:
    assert captions_of(tmp_path, "a.png", "b.png", content=f"{line}\nb.png\tnext".encode()) == [caption, "next"]


def test_captions__a_table_that_was_mended_is_read_again(tmp_path: Path) -> None:
    assert captions_of(tmp_path, "a.png", content=b"a.png\tred") == ["red"]
    assert captions_of(tmp_path, "a.png", content=b"a.png\tgreen") == ["green"]


def test_captions__odd_lines_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = ["a.png one", "b.png\tfirst", "b.png\tsecond", "b.png\tfirst", "", f"c.png\t{'x' * (MOST + 5)}"]
    with caplog.at_level(logging.WARNING):
        found = captions_of(tmp_path, "a.png", "b.png", "c.png", content="\n".join(lines).encode())
    assert found == ["", "first", "x" * MOST]
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "left out: 1 line without a tab",
        f"cut at {MOST:,} characters: 1 caption",
    ]


def test_captions__tables_that_cannot_be_read_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "b.tsv").mkdir()
    os.mkfifo(tmp_path / "c.tsv")
    (tmp_path / "d.tsv").write_bytes(b"\xff\xfea")
    with caplog.at_level(logging.WARNING):
        assert captions_of(tmp_path, "a.png") == [""]
    assert [message.partition(": ")[2] for message in caplog.messages[:2]] == ["it is a folder", "it is a named pipe"]
    assert "d.tsv are left out" in caplog.messages[2]
    with caplog.at_level(logging.WARNING):
        assert captions_of(tmp_path / "nowhere", "a.png") == [""]
    assert caplog.messages[3].endswith("nowhere are left out: No such file or directory")
