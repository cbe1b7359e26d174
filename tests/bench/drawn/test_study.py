"""The study's commands are the documentation's, and its figures are counted from what it drew."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.common import RESULTS
from bench.common.report import read_report
from bench.drawn.figures import figures
from bench.drawn.judge import read_picture
from bench.drawn.pictures import draw
from bench.drawn.scenes import Scene
from bench.drawn.study import COMMANDS, SCHEMA, TARGETS, Study, against, chosen, sheet, timing
from olacore.errors import OlacoreError

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "generate.md"
NAMED = Study(Path(), "madebyollin/taesd3", "sentence-transformers/all-MiniLM-L6-v2")
KEPT = sorted((RESULTS / "drawings").glob("*-drawn*.json"))


IN_STYLES = replace(NAMED, styles=True)


@pytest.mark.parametrize("command", [command for _, command in (*COMMANDS, *IN_STYLES.commands)])
def test_commands__are_those_of_the_documentation(command):
    told = re.sub(r"\s*\\\n\s*", " ", DOCUMENT.read_text(encoding="utf-8"))
    assert " ".join(NAMED.filled(command)) in told.splitlines()


def test_filled__has_the_size_that_was_asked_for():
    words = Study(Path(), "a b", "c", size=96).filled(COMMANDS[0][1])
    assert words[words.index("--size") + 1] == "96"
    assert words[words.index("--teacher") + 1] == "a b"


def test_do__tells_of_a_command_that_fails(tmp_path):
    said: list[str] = []
    with pytest.raises(OlacoreError, match="`ola inspect none.h5` failed with exit code 1"):
        Study(tmp_path, "a", "b").do("ola inspect none.h5", "none.h5", said.append)
    assert said == ["$ ola inspect none.h5"]
    assert not [*tmp_path.iterdir()]


def test_do__does_nothing_twice(tmp_path):
    (tmp_path / "made").write_text("")
    (tmp_path / "seconds.json").write_text('{"made": {"wall": 2.0, "processor": 1.0}}')
    assert Study(tmp_path, "a", "b").do("ola nothing", "made", pytest.fail) == {"wall": 2.0, "processor": 1.0}


def test_chosen__has_all_that_is_held_out_and_some_of_training():
    parts = {"a": "train", "b": "pair-held-out", "c": "scene-validation", "d": "scene-held-out", "e": "train"}
    assert chosen(parts) == {"b": "pair-held-out", "d": "scene-held-out", "a": "train"}


def test_tables__tell_times_and_targets():
    scenes = [Scene.of("a red heart above a blue square"), Scene.of("two green stars")]
    readings = [read_picture(draw(scene, 64)) for scene in scenes]
    ours = figures(scenes, readings, ["scene-held-out", "pair-held-out"])
    assert [row[-1] for row in against(ours).rows] == ["yes"] * len(TARGETS)
    assert timing([("ola a b c d e", {"processor": 2, "wall": 3}), ("ola f", {"processor": 4, "wall": 5})]).rows == [
        ["ola a b c", "2", "3"],
        ["ola f", "4", "5"],
        ["all", "6", "8"],
    ]


def test_sheet__has_two_dozen_of_each_part():
    pictures = [np.full((8, 8, 3), number, np.uint8) for number in range(60)]
    found = sheet(pictures, pictures[::-1], ["a"] * 30 + ["b"] * 30)
    across, high = 12, 8
    gap = (found.shape[1] - across * 8) // (across - 1)
    assert found.shape[0] == high * 8 + (high - 1) * gap
    assert (found[0, 0] == 0).all()
    assert (found[8 + gap, 0] == 59).all()


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_report__of_the_repository_is_one_of_the_study(path):
    report = read_report(path, SCHEMA, "python -m bench.drawn study")
    styles = report["set"].get("styles", False)
    parts = {"train", "pair-held-out", "scene-held-out", *(["style-held-out"] if styles else [])}
    assert {*report["shown"]["true pictures"]} == parts
    for sorts in report["shown"]["true pictures"].values():
        assert all(figures["all"] >= 0.99 for figures in sorts.values()), "the judge is right about true pictures"
    assert [step["command"] for step in report["steps"]] == [
        command for _, command in replace(NAMED, styles=styles).commands
    ]
