"""Captioned data sets from pictures, from the first look to the file."""

import logging
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError
from olacore.reports.inspection import describe
from teachers import Share, merge_shares
from teachers.jobs import job
from tests.support.killed import run_killed
from tests.support.letter_samples import CAPTIONS, LetterTeacher, make_captioned, write_captioned
from tests.support.plain_samples import MeanTeacher

PARTS = ("train", "train", "concept-held-out", "train", "concept-validation", "combination test", "train")


@pytest.fixture
def given(tmp_path: Path) -> tuple[list[Path], Path]:
    return write_captioned(tmp_path)


def test_captioned__each_caption_is_asked_about_once(tmp_path, given):
    text = LetterTeacher()
    with open_dataset(make_captioned(*given, tmp_path / "out.h5", text=text)) as data:
        found = data.read(["captions", "embeddings", "latents", "frames"], np.arange(data.count))
        texts = [one.decode() for one in found["captions"]]
        assert texts == [*CAPTIONS]
        np.testing.assert_array_equal(
            found["embeddings"], LetterTeacher().answer({"captions": np.array(texts)})["embeddings"]
        )
        latents = MeanTeacher().encode(found["frames"]).astype(np.float16)
        np.testing.assert_array_equal(found["latents"], latents)
        assert data.settings["text_teacher"] == "letters"
        assert data.verify() == []
    for one in set(CAPTIONS):
        assert text.asked.count(one) <= 1 + 2 * (one == CAPTIONS[0]), "the estimate asks about the first"


def test_split__is_by_caption_where_no_part_is_told(tmp_path, given):
    with open_dataset(make_captioned(*given, tmp_path / "out.h5")) as data:
        splits = defaultdict(set)
        for source, (caption,) in zip(data.sources, data.captions, strict=True):
            splits[" ".join(caption.lower().split())].add(source.split)
        assert {source.split for source in data.sources} == {"train", "validation", "held-out"}
    assert all(len(found) == 1 for found in splits.values())


def test_parts__of_a_table_decide_and_keep_their_names(tmp_path, given, caplog):
    paths, table = given
    parts = tmp_path / "parts.tsv"
    parts.write_text(
        "file\tpart\n" + "".join(f"{path.name}\t{part}\n" for path, part in zip(paths, PARTS, strict=False))
    )
    with open_dataset(make_captioned(paths, table, tmp_path / "out.h5", telling={"parts": parts})) as data:
        found = [(source.part, source.split) for source in data.sources]
    wanted = {"train": "train", "concept-held-out": "held-out", "concept-validation": "validation"}
    assert found == [("" if part == "train" else part, wanted.get(part, "held-out")) for part in PARTS]


def test_parts__with_a_name_that_says_nothing(tmp_path, given):
    paths, table = given
    parts = tmp_path / "parts.tsv"
    parts.write_text(f"file\tpart\n{paths[0].name}\tmisc\n")
    with pytest.raises(ConfigError, match="'misc' is none of training, validation or held-out"):
        make_captioned(paths, table, tmp_path / "out.h5", telling={"parts": parts})


def test_pictures__without_a_caption_are_left_out_and_told(tmp_path, given):
    paths, table = given
    table.write_text(f"{paths[0].name}\ta fox\n{paths[1].name}\t \n")
    with open_dataset(make_captioned(paths, table, tmp_path / "out.h5")) as data:
        assert data.count == 1
        notes = [file.note for file in data.files if file.note]
    assert len(notes) == len(paths) - 1
    assert notes[0] == "photo1.png has no caption."
    table.write_text(f"{paths[0].name}\t \n")
    with pytest.raises(DataError, match="none of 10 files gives a picture: photo0.png has no caption"):
        make_captioned(paths, table, tmp_path / "none.h5")


def test_table__of_other_pictures_is_told_before_any_is_read(tmp_path, given, monkeypatch):
    paths, table = given
    monkeypatch.setattr(job, "survey_all", None)
    table.write_text("x.png\tfox\n")
    with pytest.raises(DataError, match="has none of 10 pictures: it is of other pictures, such as x.png, and these"):
        make_captioned(paths, table, tmp_path / "none.h5")


def test_picture__given_twice_has_the_captions_of_both(tmp_path, given):
    paths, table = given
    copy = paths[0].with_name("copy.png")
    copy.write_bytes(paths[0].read_bytes())
    with table.open("a") as file:
        file.write(f"{copy.name}\tlove\n")
    with open_dataset(make_captioned([*paths, copy], table, tmp_path / "out.h5")) as data:
        assert data.captions[0] == ("a red heart", "love")
        assert data.count == len(paths)
    parts = tmp_path / "parts.tsv"
    parts.write_text(f"file\tpart\n{paths[0].name}\ttrain\n{copy.name}\ttrain\n")
    made = make_captioned([*paths, copy], table, tmp_path / "two.h5", telling={"parts": parts})
    with open_dataset(made) as data:
        assert data.captions == [("a red heart",), ("love",)]


def test_captioned__reads_and_tells_of_its_table_once(tmp_path, given, caplog):
    paths, table = given
    table.write_text(f"no caption\n{table.read_text()}")
    with caplog.at_level(logging.WARNING):
        make_captioned(paths, table, tmp_path / "out.h5")
    assert [message for message in caplog.messages if table.name in message] == [
        f"{table}: left out: 1 line without a tab"
    ]


def test_several_captions__without_a_text_teacher_the_first_counts(tmp_path, given, caplog):
    from teachers import CaptionRule, precompute
    from tests.support.plain_samples import RULE

    paths, table = given
    table.write_text(f"{paths[0].name}\ta fox\n{paths[0].name}\tanimal\n")
    with caplog.at_level(logging.WARNING):
        precompute(paths[:2], tmp_path / "out.h5", MeanTeacher(), RULE, None, CaptionRule(table))
    assert "1 picture with several captions, of which the first counts" in caplog.text
    with open_dataset(tmp_path / "out.h5") as data:
        assert [source.caption for source in data.sources] == ["a fox", ""]


SCRIPT = """
from tests.support.letter_samples import make_captioned
folder = path.parent
make_captioned(sorted((folder / "photographs").iterdir()), folder / "captions.tsv", path, workers={workers})
"""


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_killed__and_resumed_gives_equal_bytes(tmp_path, given, workers):
    whole = make_captioned(*given, tmp_path / "whole.h5").read_bytes()
    for sync in (4, 7) if workers == 0 else (6,):
        path = tmp_path / f"{sync}.h5"
        run_killed(SCRIPT.format(workers=workers), path, sync)
        assert make_captioned(*given, path, resume=True).read_bytes() == whole


def test_resume__with_another_text_teacher_or_table_is_refused(tmp_path, given):
    path = make_captioned(*given, tmp_path / "out.h5")
    with pytest.raises(ConfigError, match=r"settings\[text_sha256\]"):
        make_captioned(*given, path, resume=True, text=LetterTeacher("abcdefgh"))
    given[1].write_text(given[1].read_text() + "x.png\tfox\n")
    with pytest.raises(ConfigError, match=r"settings\[captions\]"):
        make_captioned(*given, path, resume=True)


def test_shards__hold_the_captions_of_their_rows(tmp_path, given):
    folder = make_captioned(*given, tmp_path / "shards", shard_size=4)
    one = make_captioned(*given, tmp_path / "one.h5")
    with open_dataset(folder) as many, open_dataset(one) as whole:
        rows = np.arange(whole.count)
        first, second = (data.read(["captions", "embeddings"], rows) for data in (many, whole))
        np.testing.assert_array_equal(first["embeddings"], second["embeddings"])
        assert first["captions"].tolist() == second["captions"].tolist()
    assert make_captioned(*given, folder, shard_size=4, resume=True) == folder


def test_styles__are_kept_by_every_way_to_make_a_data_set(tmp_path, given):
    paths, table = given
    head, lines = "file\tcaption\tstyle\n", [line.split("\t") for line in table.read_text().splitlines()]
    each = ["ink", "", "oil wash"] * len(lines)
    told = list(zip(lines, each, strict=False))
    table.write_text(head + "".join(f"{name}\t{text}\t{style}\n" for (name, text), style in told))
    wanted = [(style, (f"{text}, {style}" if style else text,)) for (_, text), style in told]
    one = make_captioned(paths, table, tmp_path / "one.h5")
    many = make_captioned(paths, table, tmp_path / "many", shard_size=4)
    resumed = make_captioned(paths, table, one, resume=True)
    for number in (1, 2, 3):
        make_captioned(paths, table, tmp_path / "shares", share=Share(number, 3))
    merge_shares([tmp_path / "shares"], tmp_path / "merged.h5")
    for path in (one, many, resumed, tmp_path / "merged.h5"):
        with open_dataset(path) as data:
            assert [(source.style, texts) for source, texts in zip(data.sources, data.captions, strict=True)] == wanted
    assert describe(one)["sources by style"] == {"ink": 4, "oil wash": 3}
    table.write_text(table.read_text().replace("oil wash", "oil"))
    with pytest.raises(ConfigError, match=r"settings\[captions\]"):
        make_captioned(paths, table, one, resume=True)
    other = make_captioned(paths, table, tmp_path / "other.h5")
    with open_dataset([one, other]) as data:
        assert {source.style for source in data.sources} == {"", "ink", "oil", "oil wash"}


def test_styles__of_copies_of_a_picture_do_not_differ(tmp_path, given):
    paths, table = given
    copy = paths[0].with_name("copy.png")
    copy.write_bytes(paths[0].read_bytes())
    table.write_text(f"file\tcaption\tstyle\n{paths[0].name}\ta heart\tink\n{copy.name}\ta heart\toil\n")
    with pytest.raises(ConfigError, match="a copy of it have the styles 'ink' and 'oil'; a picture has one"):
        make_captioned([paths[0], copy], table, tmp_path / "out.h5")


def test_split__is_by_caption_in_whichever_style(tmp_path, given):
    paths, table = given
    lines = [f"{path.name}\ta {k // 2} thing\t{('ink', 'oil')[k % 2]}\n" for k, path in enumerate(paths)]
    table.write_text("file\tcaption\tstyles\n" + "".join(lines))
    splits = defaultdict(set)
    with open_dataset(make_captioned(paths, table, tmp_path / "out.h5")) as data:
        for source, (caption,) in zip(data.sources, data.captions, strict=True):
            splits[caption.partition(",")[0]].add(source.split)
    assert all(len(found) == 1 for found in splits.values())
    assert len(splits) == -(-len(paths) // 2)


def test_nan__in_an_embedding_is_refused(tmp_path, given):
    class Broken(LetterTeacher):
        def answer(self, arrays):
            found = super().answer(arrays)["embeddings"]
            found[[text == "rain" for text in arrays["captions"].tolist()]] = np.nan
            return {"embeddings": found}

    with pytest.raises(DataError, match="embeddings must be finite as float32; 1 caption is not"):
        make_captioned(*given, tmp_path / "out.h5", text=Broken())
