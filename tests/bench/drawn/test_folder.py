"""Drawn sets as folders, and the commands that make and judge them."""

import csv
import hashlib

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from bench.drawn.__main__ import main
from bench.drawn.figures import figures, read, read_pictures, tables
from bench.drawn.folder import make, read_table
from bench.drawn.judge import read_picture
from bench.drawn.pictures import draw
from bench.drawn.scenes import KINDS, STYLES, Scene, Split
from olacore.errors import ConfigError, DataError, FileFormatError, OutputExistsError


def digest(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = (path.relative_to(folder).as_posix().encode() + path.read_bytes() for path in files)
    return hashlib.sha256(b"".join(named)).hexdigest()


def test_make__writes_the_same_bytes_for_the_same_seed(tmp_path):
    parts = [make(tmp_path / name, 40, 290, seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")
    assert sum(parts[0].values()) == 290
    with (tmp_path / "a" / "captions.csv").open() as file:
        lines = [*csv.DictReader(file)]
    split = Split.of(3)
    for line in lines[::29]:
        scene = Scene.of(line["caption"])
        assert line["part"] == split.part_of(scene)
        with Image.open(tmp_path / "a" / "pictures" / line["file_name"]) as image:
            np.testing.assert_array_equal(np.asarray(image), draw(scene, 40))
    assert read_table(tmp_path / "a" / "captions.csv") == {line["caption"]: line["part"] for line in lines}


def test_make__without_styles_has_the_bytes_of_before(tmp_path):
    make(tmp_path / "set", 40, 290, 3)
    table = (tmp_path / "set" / "captions.csv").read_bytes()
    assert hashlib.sha256(table).hexdigest()[:16] == "3fbd245b71859d9f"
    assert table.startswith(b"file_name,caption,part\n")


def test_make__with_styles_draws_each_picture_in_one(tmp_path):
    parts = make(tmp_path / "set", 48, 700, 0, styles=True)
    with (tmp_path / "set" / "captions.csv").open() as file:
        lines = [*csv.DictReader(file)]
    scenes = [Scene.of(f"{line['caption']}, {line['style']}") for line in lines]
    assert [*read_table(tmp_path / "set" / "captions.csv")] == [scene.caption for scene in scenes]
    assert sum(parts.values()) == len({*scenes}) == 700
    assert parts["style-held-out"] > parts["style-validation"] > 0
    train = {(scene.style, kind) for scene, line in zip(scenes, lines, strict=True) for kind in scene.kinds
             if line["part"] == "train"}  # fmt: skip
    split = Split.of(0)
    unseen = split.pairs["held-out"] | split.pairs["validation"]
    seen = {(style, kind) for style in STYLES for kind in KINDS if kind not in unseen}
    assert train == seen - split.styles["held-out"] - split.styles["validation"]
    assert len(seen - train) == 6
    assert {kind for _, kind in seen - train} <= {kind for _, kind in train}, "each is known in the other style"
    for line, scene in [*zip(lines, scenes, strict=True)][::97]:
        assert line["part"] == split.part_of(scene)
        with Image.open(tmp_path / "set" / "pictures" / line["file_name"]) as image:
            np.testing.assert_array_equal(np.asarray(image), draw(scene, 48))
    with pytest.raises(ConfigError, match="size must be a multiple of 8 from 48 on; got 40"):
        make(tmp_path / "small", 40, 10, 0, styles=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"side": 20}, "size must be a multiple of 8 from 40 on; got 20"),
        ({"count": 0}, "count must be 1 to 31590"),
        ({"count": 31591}, "count must be 1 to 31590"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_make__refuses_numbers_out_of_range(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make(tmp_path / "set", **{"side": 64, "count": 1, "seed": 0} | changes)
    assert not (tmp_path / "set").exists()


def test_make__leaves_a_folder_with_something_in_it_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="is not empty"):
        make(tmp_path, 64, 1, 0)


def test_read_table__refuses_other_tables(tmp_path):
    for content in (b"file,text\n1,2\n", b"\xff\xfe\xff"):
        (tmp_path / "t.csv").write_bytes(content)
        with pytest.raises(DataError, match="is no table of the drawn set"):
            read_table(tmp_path / "t.csv")


def test_figures__count_by_part_and_sort():
    right, wrong = "a red heart above a blue square", "a blue heart above a red square"
    scenes = [Scene.of(caption) for caption in (right, right, "two red hearts", "a red heart")]
    drawn = [draw(Scene.of(caption), 64) for caption in (right, wrong, "three red hearts", "a blue heart")]
    found = figures(scenes, [read_picture(picture) for picture in drawn], ["a", "a", "a", "b"])
    assert found["a"]["two kinds"] == {
        "pictures": 2,
        "kinds": 0.5,
        "bound": 0.5,
        "count": 0.5,
        "size": 0.5,
        "place": 0.5,
        "all": 0.5,
    }
    assert found["a"]["one kind"] == {
        "pictures": 1,
        "kinds": 1,
        "bound": 1,
        "count": 0,
        "size": 0,
        "place": 0,
        "all": 0,
    }
    assert found["b"]["one kind"]["kinds"] == 0
    assert {*found["b"]} == {"one kind"}


def test_figures__tell_of_styles_where_captions_name_them():
    scenes = [Scene.of(caption) for caption in ("a red heart, outlined", "two red hearts, filled")]
    found = figures(scenes, read(scenes, [draw(scene, 64) for scene in scenes]), ["a", "a"])["a"]["one kind"]
    assert found["style"] == found["all"] == 1
    other = [draw(Scene.of(caption), 64) for caption in ("a red heart, filled", "two red hearts, filled")]
    found = figures(scenes, read(scenes, other), ["a", "a"])["a"]["one kind"]
    assert (found["bound"], found["style"], found["all"]) == (1, 0.5, 0.5)
    (table,) = tables({"x": {"a": {"one kind": found}}})
    assert table.head[-2:] == ["style", "everything"]


def test_commands__make_and_judge(tmp_path):
    run = CliRunner().invoke(main, ["make", str(tmp_path / "set"), "--count", "4"], catch_exceptions=False)
    assert "4 pictures (4 train)" in run.output
    captions = [*read_table(tmp_path / "set" / "captions.csv")]
    (tmp_path / "prompts.txt").write_text("\n".join(captions))
    (tmp_path / "drawn").mkdir()
    for number in range(4):
        (tmp_path / "set" / "pictures" / f"{number:05d}.png").rename(tmp_path / "drawn" / f"{number:04d}.png")
    asked = ["judge", str(tmp_path / "drawn"), "--prompts", str(tmp_path / "prompts.txt")]
    run = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert "4 pictures" in run.output
    assert run.output.count("100.0") == 6
    with pytest.raises(DataError, match="more pictures than the 3 prompts"):
        read_pictures(tmp_path / "drawn", 3)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_pictures(tmp_path / "drawn", 5)
