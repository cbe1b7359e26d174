"""Tables of captions and parts: every way to write one, and what is no table."""

from pathlib import Path

import pytest

from olacore.errors import ConfigError, FileFormatError
from olacore.media.find import Input
from teachers.collect.caption_tables import read_table
from teachers.collect.captions import CaptionRule, Captions, Told

BLANKS = (("x/a.png", "one"), ("b.png", "two"), ("c.png", "three"), ("y/ c.png", "four"))


def told(folder: Path, *names: str, **rule: object) -> list[Told]:
    captions = Captions(CaptionRule(**rule))
    return [captions.of(Input(folder / name, "picture")) for name in names]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("t.tsv", "a.png\ta red heart\nb.png\ta fox\na.png\tlove\n"),
        ("t.tsv", "part\tfile\tcaption\ntest\ta.png\ta red heart\ntrain\tb.png\ta fox\ntest\ta.png\tlove\n"),
        ("t.csv", "file_name,split,text\na.png,test,a red heart\nb.png,train,a fox\na.png,test,love\n"),
        (
            "t.jsonl",
            '{"file_name":"a.png","captions":["a red heart","love",""]}\n\n{"file_name":"b.png","text":"a fox"}',
        ),
    ],
)
def test_table__gives_all_captions_of_a_picture(tmp_path, file, content):
    (tmp_path / file).write_text(content)
    first, second, none = told(tmp_path, "a.png", "b.png", "c.png", table=tmp_path / file)
    assert (first.captions, second.captions, none) == (("a red heart", "love"), ("a fox",), Told())
    assert (first.part, second.part) in (("test", "train"), ("", ""))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("file_name;caption;part\na.png;a heart, red;test\nb.png;a fox;train\n", "test"),
        ('\n"caption";"file"\n"a heart, red";"a.png"\n"a fox";"b.png"\n', ""),
        ("a.png;a heart, red\nb.png;a fox\n", ""),
        ("file_name\tpart\tcaption\na.png\ttest\ta heart, red\nb.png\ttrain\ta fox\n", "test"),
        ('file_name,caption\na.png,"a heart, red"\nb.png,a fox\n', ""),
        ('a.png,"a heart, red"\nb.png,a fox\n', ""),
    ],
)
def test_table__of_a_spreadsheet_is_separated_by_what_its_first_lines_show(tmp_path, content, part):
    (tmp_path / "t.csv").write_text(content)
    first, second = told(tmp_path, "a.png", "b.png", table=tmp_path / "t.csv")
    assert (first, second.captions) == (Told(("a heart, red",), part), ("a fox",))


@pytest.mark.parametrize(
    ("file", "first", "lacking"),
    [
        ("t.csv", "picture,description,part", "file_name"),
        ("t.tsv", "picture\tcaption\tstyle", "file_name"),
        ("t.csv", "picture;Text;part", "file_name"),
        ("t.csv", "file_name,description,style", "caption"),
        ("t.csv", "picture,description,subset", "file_name or caption"),
        ("t.csv", "picture;description", "file_name or caption"),
        ("t.tsv", "caption", "file_name"),
    ],
)
def test_table__whose_first_line_names_columns_that_are_not_known(tmp_path, file, first, lacking):
    mark = next((mark for mark in ",;\t" if mark in first), "")
    rest = [f"{name}{mark}a fox{mark}test" if mark else name for name in ("a.png", "b/c d.JPG", "film.mp4")]
    (tmp_path / file).write_text("\n".join([first, *rest]))
    there = first.replace(mark, ", ") if mark else first
    sentence = f"the first line of .*{file} names no column {lacking}: '{there}'; columns are file_name or row, caption"
    with pytest.raises(FileFormatError, match=sentence):
        read_table(tmp_path / file)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("t.csv", "none.png,text\na.png,a fox\n"),
        ("t.csv", "none.png,a fox\na.png,a fox\n"),
        ("t.tsv", "none\tan owl\nnothing\ta hen\na.png\ta fox\n"),
        ("t.tsv", "\tan owl\na.png\ta fox\n"),
    ],
)
def test_table__without_a_line_of_columns_begins_with_any_name(tmp_path, file, content):
    (tmp_path / file).write_text(content)
    assert told(tmp_path, "a.png", table=tmp_path / file) == [Told(("a fox",))]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("t.csv", "file_name,caption,style\na.png,a red heart, Ink  Wash\nb.png,a fox,\na.png,love,ink wash\n"),
        ("t.tsv", "Style\tfile\tcaption\nink wash\ta.png\ta red heart\n\tb.png\ta fox\nINK WASH\ta.png\tlove\n"),
        (
            "t.jsonl",
            '{"file_name":"a.png","style":"ink wash","captions":["a red heart","love",""]}\n'
            '{"file_name":"b.png","style":null,"text":"a fox"}',
        ),
    ],
)
def test_style__is_joined_with_every_caption_of_its_line(tmp_path, file, content):
    (tmp_path / file).write_text(content)
    first, second, none = told(tmp_path, "a.png", "b.png", "c.png", table=tmp_path / file)
    assert first == Told(("a red heart, ink wash", "love, ink wash"), "", "ink wash")
    assert (second, none) == (Told(("a fox",)), Told())


def test_style__of_a_table_beside_the_pictures_and_of_one_of_parts(tmp_path):
    (tmp_path / "metadata.csv").write_text("file_name,text,style\na.png,a fox,ink\nb.png,a hen,ink\n")
    assert told(tmp_path, "a.png") == [Told(("a fox, ink",), "", "ink")]
    (tmp_path / "split.csv").write_text("file_name,part,caption,style\na.png,train,a red fox,oil\nb.png,test,,oil\n")
    found = told(tmp_path, "a.png", "b.png", parts=tmp_path / "split.csv")
    assert found == [Told(("a red fox, oil",), "train", "oil"), Told(("a hen, ink",), "test", "ink")]


def test_style__of_a_picture_is_one(tmp_path):
    (tmp_path / "t.csv").write_text("file_name,caption,style\na.png,a fox,ink\na.png,a fox,\na.png,a fox,oil\n")
    with pytest.raises(ConfigError, match=r"^a\.png has the styles ink and oil; a picture has one at most\.$"):
        told(tmp_path, "a.png", table=tmp_path / "t.csv")
    (tmp_path / "t.tsv").write_text("file_name\tpart\tstyle\na.png\ttrain\tink\n")
    for rule in ({"table": tmp_path / "t.tsv"}, {"parts": tmp_path / "t.tsv"}):
        with pytest.raises(ConfigError, match=r"t\.tsv has styles and no captions; a style stands in the table of"):
            told(tmp_path, "a.png", **rule)


def test_table__finds_files_by_as_many_folders_as_it_has(tmp_path):
    lines = [("x/a.png", "one"), ("y/a.png", "two"), ("far/away/b.png", "three")]
    (tmp_path / "t.tsv").write_text("\n".join(map("\t".join, lines)))
    names = ("x/a.png", "y/a.png", "z/a.png", "b.png")
    found = told(tmp_path, *names, table=tmp_path / "t.tsv")
    assert [one.captions for one in found] == [("one",), ("two",), (), ("three",)]
    zipped = Captions(CaptionRule(tmp_path / "t.tsv")).of(Input(tmp_path / "p.zip", "picture", "y/a.png"))
    assert zipped.captions == ("two",)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("t.csv", 'file_name,text\n x/a.png ,one\n"b.png ",two\nc.png,three\ny/ c.png,four\n'),
        ("t.tsv", 'x/a.png \tone\n b.png\ttwo\n"c.png "\tthree\ny/ c.png\tfour\n'),
        ("t.jsonl", "".join(f'{{"file_name":" {name} ","text":"{text}"}}\n' for name, text in BLANKS)),
    ],
)
def test_table__does_not_count_blanks_at_the_ends_of_names(tmp_path, file, content):
    (tmp_path / file).write_text(content)
    found = told(tmp_path, "x/a.png", "b.png", "c.png", "y/ c.png", "d.png", table=tmp_path / file)
    assert [one.captions for one in found] == [("one",), ("two",), ("three",), ("four",), ()]


@pytest.mark.parametrize(
    "content", ["keycap\tsymbols\nfox\tanimals\n", "row\tcaption\n1\tfox\n0\tkeycap\n", "keycap\nfox"]
)
def test_table__of_an_array_goes_by_rows(tmp_path, content):
    (tmp_path / "t.tsv").write_text(content)
    captions = Captions(CaptionRule(tmp_path / "t.tsv"))
    found = [captions.of(Input(tmp_path / "pictures.npz", "picture", row=row)) for row in range(3)]
    assert [one.captions for one in found] == [("keycap",), ("fox",), ()]


def test_parts__of_a_table_of_their_own_with_better_captions(tmp_path):
    (tmp_path / "emoji.tsv").write_text("a.png\told name\nb.png\tsecond\nc.png\tthird\n")
    split = "set\trow\tcaption\tpart\nother\t0\twrong\ttrain\nemoji\t0\tnew name\ttest\nemoji\t1\t\ttrain\n"
    (tmp_path / "split.tsv").write_text(split)
    rule = {"table": tmp_path / "emoji.tsv", "parts": tmp_path / "split.tsv"}
    found = told(tmp_path, "a.png", "b.png", "c.png", **rule, set_="emoji")
    assert found == [Told(("new name",), "test"), Told(("second",), "train"), Told(("third",), "")]
    zipped = Captions(CaptionRule(**rule)).of(Input(tmp_path / "emoji.zip", "picture", "a.png"))
    assert zipped == Told(("new name",), "test")
    with pytest.raises(ConfigError, match=r"of the sets emoji, other, and .* none of them; say which with --set"):
        told(tmp_path, "a.png", **rule)


def test_parts__need_a_column(tmp_path):
    (tmp_path / "split.tsv").write_text("file\tcaption\na.png\tfox\n")
    with pytest.raises(ConfigError, match="expected a column part"):
        told(tmp_path, "a.png", parts=tmp_path / "split.tsv")


def test_texts__beside_pictures(tmp_path):
    (tmp_path / "a.txt").write_text("a red heart\n\n  love \n")
    (tmp_path / "b.txt").write_bytes(b"\x00\x01\x02")
    found = told(tmp_path, "a.png", "b.png", "c.png", table="txt")
    assert [one.captions for one in found] == [("a red heart", "love"), (), ()]


def test_metadata__of_a_data_set_folder_is_found_beside_the_pictures(tmp_path):
    (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.png", "text": "fox"}\n')
    assert told(tmp_path, "a.png") == [Told(("fox",))]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("t.jsonl", b"[1]\n", "line 1 of .* is no JSON object"),
        ("t.jsonl", b'{"a": 1}\n', "no lines with a file_name or row"),
        ("t.jsonl", b'{"file_name": "a", "text": 3}\n', "line 1 of .* caption that is no text"),
        ("t.jsonl", b'{"file_name": 1, "text": "x"}\n', "line 1 of .* file name, part or set that is no text"),
        ("t.jsonl", b'{"file_name": {}, "text": "x"}\n', "line 1 of .* file name, part or set that is no text"),
        ("t.jsonl", b'{"file_name": "a", "text": "x"\n', "line 1 of .*t.jsonl"),
        (
            "t.csv",
            b"file,caption,style\na,x,ink\nb,x,--\n",
            "line 2 of .* has the style '--'; expected a word or",
        ),
        ("t.jsonl", b'{"file": "a", "text": "x", "style": ["ink"]}', "line 1 of .* has the style .'ink'.; expected"),
        ("t.tsv", b"row\tcaption\tstyle\n1\tx\t" + b"ink" * 40, "has the style 'inkink.*of up to 100 characters"),
        ("t.tsv", b"row\tcaption\n-1\tx\n", "line 1 of .* has the row '-1'"),
        ("t.jsonl", b'{"row": true, "text": "x"}\n', "has the row True"),
        ("t.tsv", b"", "is empty"),
        ("t.tsv", b"a\0b\tc\n", "no text in UTF-8"),
        ("t.tsv", b"a.png\t\x81\n", "no text in UTF-8"),
        ("t.csv", b'a,"' + b"x" * 140_000 + b'"\n', "no comma-separated table"),
    ],
)
def test_table__that_is_none(tmp_path, file, content, message):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        read_table(tmp_path / file)


def test_table__that_is_missing(tmp_path):
    with pytest.raises(FileFormatError, match="cannot read the table"):
        Captions(CaptionRule(tmp_path / "none.tsv"))


def test_table__that_cannot_tell_of_the_pictures_is_refused_by_what_it_lacks(tmp_path):
    (tmp_path / "title.tsv").write_text("file\ttitle\tpart\na.png\ta fox\ttrain\n")
    with pytest.raises(ConfigError, match=r"title\.tsv has no captions; a column of them is called caption or"):
        Captions(CaptionRule(tmp_path / "title.tsv", needed=True))
    (tmp_path / "rows.tsv").write_text("row\tset\tcaption\n0\temoji\ta fox\n0\tother\ta hen\n")
    with pytest.raises(ConfigError, match=r"rows\.tsv has rows and no names of files, which .*p\.zip needs"):
        Captions(CaptionRule(tmp_path / "rows.tsv")).of(Input(tmp_path / "p.zip", "picture", "a.png"))
    with pytest.raises(ConfigError, match=r"rows\.tsv has no set 'emojy'; it is of emoji, other\."):
        Captions(CaptionRule(tmp_path / "rows.tsv", set_="emojy"))
