"""Tables that name the pictures, and why those that name none do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from olacore.errors import ConfigError, DataError
from olacore.media.find import Input
from olacore.media.kinds import MAX_PIXELS
from teachers.collect.captions import CaptionRule, Captions
from teachers.collect.matching import check_match, look

TWO = "file,caption\n{},one\n{},two\n"


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of what is called a picture and cannot be decoded: nobody looks into it."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number in range(3):
        Path("photos", f"v1.{number}.png").write_text("no picture")
    return Path("photos")


def table(content: str, name: str = "t.csv") -> Path:
    Path(name).write_text(content)
    return Path(name)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("v1.0", "v1.1"), "its names have no suffix, such as v1.0 for v1.0.png; write names as the files have them"),
        (("a/v1.1", "v1.9"), "its names have no suffix, such as a/v1.1 for v1.1.png; write names"),
        (("v1.0.jpg", "b/v1.1.JPEG"), "its names have another suffix, such as v1.0.jpg for v1.0.png; write names"),
        (("a/v1.2.png", "b/v1.2.png"), "its names have other folders, such as a/v1.2.png for photos/v1.2.png; write"),
        (("V1.0.PNG", "V1.1.PNG"), "its names are in other letters, such as V1.0.PNG for photos/v1.0.png; write cap"),
        (("cat.png", "dog.png"), "it is of other pictures, such as cat.png, and these are called as v1.0.png; give"),
        (("", ""), "it has no names"),
    ],
)
def test_check_match__says_why_a_table_names_no_picture(names, reason, photos):
    telling = CaptionRule(table(TWO.format(*names)), needed=True)
    with pytest.raises(DataError, match=rf"t\.csv has none of 3 pictures: {reason}"):
        look([photos], telling, MAX_PIXELS)
    assert look([photos], replace(telling, needed=False), MAX_PIXELS).captioned == 0
    parts = CaptionRule("names", table(TWO.replace("caption", "part").format(*names), "p.csv"))
    with pytest.raises(DataError, match=rf"p\.csv has none of 3 pictures: {reason}"):
        look([photos], parts, MAX_PIXELS)


def test_look__counts_what_matches(photos):
    (photos / "film.mp4").touch()
    captions = table(TWO.format("elsewhere/v1.0.png", "v1.9.png"))
    parts = table("file\tpart\nv1.0.png\ttrain\nv1.2.png\ttest\n", "parts.tsv")
    found = look([photos, Path("none.png")], CaptionRule(captions, parts, needed=True), MAX_PIXELS)
    assert found.sentences == [
        "expected a picture, a video or a folder of them at none.png; nothing is there.",
        "3 pictures and 1 video, 1 with a caption",
        "t.csv: 2 lines, 1 matched",
        "parts.tsv: 2 lines, 2 matched",
        "parts: train 1",
    ]
    assert look([photos / "v1.0.png"], CaptionRule("names"), MAX_PIXELS).sentences == ["1 picture, 1 with a caption"]


def test_look__counts_the_parts_of_what_is_used(photos):
    lines = "file,part,caption\nv1.0.png,test,one\nv1.1.png,held-out,two\nv1.2.png,Train,{}\nv1.9.png,lern,\n"
    asked = CaptionRule(table(lines.format("three")), needed=True)
    assert look([photos], asked, MAX_PIXELS).sentences[-1] == "parts: Train (train) 1, held-out 1, test (held-out) 1"
    table(lines.format(""))
    assert look([photos], asked, MAX_PIXELS).parts == {"held-out": 1, "test": 1}
    assert look([photos], replace(asked, needed=False), MAX_PIXELS).parts == {"Train": 1, "held-out": 1, "test": 1}
    table(lines.replace("test", "lern"))
    with pytest.raises(ConfigError, match="the part 'lern' is none of training, validation or held-out; expected one"):
        look([photos], asked, MAX_PIXELS)


def test_look__refuses_what_gives_nothing(photos):
    with pytest.raises(
        DataError, match=r"no source gives a picture: .* fotos; nothing is there; did you mean photos\?"
    ):
        look([Path("fotos")], CaptionRule(), MAX_PIXELS)
    with pytest.raises(DataError, match=r"none of 3 files has a caption, such as photos/v1\.0\.png"):
        look([photos], CaptionRule("txt", needed=True), MAX_PIXELS)
    with pytest.raises(DataError, match=r"none of 3 files has a caption"):
        look([photos], CaptionRule(table("file,caption\nv1.0.png,\n"), needed=True), MAX_PIXELS)
    with pytest.raises(ConfigError, match=r"t\.csv has rows and no names"):
        look([photos], CaptionRule(table("row,caption\n0,one\n"), needed=True), MAX_PIXELS)


def test_check_match__lets_another_table_tell(photos):
    """Captions by the lines of a table that names pictures; parts by a table of its own."""
    names = table("file,caption\nv1.0.png,\nv1.1.png,\n")
    rows = table("row,part,caption\n0,train,one\n1,test,two\n", "rows.csv")
    assert look([photos], CaptionRule(names, rows, needed=True), MAX_PIXELS).captioned == 2
    other = table("file,caption,part\ncat.png,a,train\n", "other.csv")
    own = table("file,part,caption\nv1.0.png,train,one\n", "own.csv")
    check_match([Input(photos / "v1.0.png", "picture")], Captions(CaptionRule(other, own, needed=True)))
