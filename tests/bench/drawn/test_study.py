"""The study's command is the documentation's, and its figures are counted from what it drew."""

import re
import shlex
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
from bench.drawn.study import SCHEMA, TARGETS, Study, against, chosen, sheet, timing
from olacore.commands.set_steps import Step
from olacore.commands.set_work import Work
from olacore.errors import OlacoreError
from tests.support.command import ola

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "generate.md"
NAMED = Study(Path(), "madebyollin/taesd3", "sentence-transformers/all-MiniLM-L6-v2")
KEPT = sorted((RESULTS / "drawings").glob("*-drawn*.json"))


IN_STYLES = replace(NAMED, styles=True)
# What the styles' study was asked for, in place of 96 numbers.
OF_STYLES = "--word-size 192"


def steps_of(study: Study) -> list[str]:
    """The commands that the study's command runs."""
    return shown(*study.filled(study.command)[1:])


def shown(*words: str) -> list[str]:
    """The commands that a dry run shows; that there are no pictures here is said behind them."""
    found = ola(*words, "--dry-run", code=1)
    assert found.stderr == "error: there is no set/captions.csv, of which the table of a set should come.\n"
    return [line for line in found.stdout.splitlines() if line.startswith("ola ")]


def test_command__is_that_of_the_documentation():
    """But for its folder, and what the documentation leaves at its default."""
    told = re.sub(r"\s*\\\n\s*", " ", DOCUMENT.read_text(encoding="utf-8")).splitlines()
    typed = [line for line in told if line.startswith("ola make-set set/pictures ")]
    assert len(typed) == 2
    for line, study in zip(typed, (NAMED, IN_STYLES), strict=True):
        assert shown(*shlex.split(line)[1:], "--work", ".") == steps_of(study)
    assert [OF_STYLES in step for step in steps_of(IN_STYLES)] == ["--module text" in step for step in steps_of(NAMED)]


def test_filled__has_the_size_that_was_asked_for():
    study = Study(Path(), "a b", "c", size=96)
    words = study.filled(study.command)
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
    Study(tmp_path, "a", "b").do("ola nothing", "made", pytest.fail)


def test_steps__are_those_that_the_command_wrote_down(tmp_path):
    """With names in place of the teachers, which may be places on one machine."""
    work, step = Work(tmp_path), Step("data", ("precompute", "set", "--teacher", "/a b", "--h5", "d"), tmp_path / "d")
    with work.doing(step):
        pass
    [(command, seconds)] = Study(tmp_path, "/a b", "c").steps()
    assert command == "ola precompute set --teacher TEACHER --h5 d"
    assert {*seconds} == {"wall", "processor"}


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
    asked = replace(IN_STYLES if styles else NAMED, teacher="TEACHER", text_teacher="TEXT")
    # Whatever the order of their options.
    assert [sorted(step["command"].split()) for step in report["steps"]] == [
        sorted(step.split()) for step in steps_of(asked)
    ]
