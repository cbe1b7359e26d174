"""The folder that a set is made in: what is done, what has to be done again, and what is refused."""

from __future__ import annotations

import os
import re

import pytest

from olacore.commands.set_steps import Step
from olacore.commands.set_work import Work, difference, remove
from olacore.errors import ConfigError, OutputError


def test_to_do__makes_nothing_again_that_nobody_reads(tmp_path):
    data, words, text, bundle = (tmp_path / name for name in ("data", "words", "text", "set"))
    first = Step("data", ("1",), data)
    second = Step("words", ("2",), words, (first,))
    third = Step("text", ("3",), text, (first, second))
    steps = [first, second, third, Step("bundle", ("4",), bundle, (first, third))]
    work = Work(tmp_path)
    assert work.to_do(steps) == steps
    for step in steps:
        with work.doing(step):
            step.made.write_text("")
    assert Work(tmp_path).to_do(steps) == steps[-1:]
    words.unlink()
    assert Work(tmp_path).to_do(steps) == steps[-1:], "the words are in the text"
    data.unlink()
    with pytest.raises(ConfigError, match=f"{data.name} is gone, .* remove {re.escape(str(text))} to have it made"):
        Work(tmp_path).to_do(steps)
    text.unlink()
    assert Work(tmp_path).to_do(steps) == steps


def test_to_do__what_was_made_otherwise_is_made_again_with_force_in_several_tries(tmp_path):
    def steps_of(first_asked: str) -> list[Step]:
        first = Step("data", (first_asked,), tmp_path / "data")
        second = Step("text", ("2",), tmp_path / "text", (first,))
        return [first, second, Step("bundle", ("3",), tmp_path / "set", (first, second))]

    def make(step: Step) -> None:
        with Work(tmp_path).doing(step):
            step.made.write_text("")

    before, now = steps_of("1"), steps_of("one")
    for step in before[:2]:
        make(step)
    make(now[0])
    with pytest.raises(
        ConfigError, match="text was made of what is not the same now; give --force to make .*text again"
    ):
        Work(tmp_path).to_do(now)
    assert Work(tmp_path).to_do(now, force=True) == now[1:]
    with pytest.raises(ConfigError, match="data was made with one, not 1; give --force to make .*data again"):
        Work(tmp_path).to_do(before)
    make(now[1])
    assert Work(tmp_path).to_do(now) == now[2:]


def test_difference__of_half_a_command():
    assert difference("ola 'train --stack 3", "ola train --stack 4") == "with 'train --stack 3, not train --stack 4"


def test_remove__takes_away_a_link_and_not_what_it_leads_to(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "log.jsonl").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "run")
    remove(tmp_path / "link")
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "log.jsonl"]
    remove(tmp_path / "run")
    with pytest.raises(OutputError, match="cannot remove .*run: No such file"):
        remove(tmp_path / "run")


def test_work__records_commands_with_every_name(tmp_path):
    """Of which a shell may write as many as it takes, and which may be no text."""
    names = [f"photos/ä {number:06}.png" for number in range(50_000)]
    step = Step("data", ("precompute", *names, os.fsdecode(b"\xff.png")), tmp_path / "data.h5")
    with Work(tmp_path).doing(step):
        step.made.write_text("")
    assert Work(tmp_path).is_done(step)
    assert [*Work(tmp_path).steps["data"]["command"].split()[-1:]] == ["'\\udcff.png'"]
