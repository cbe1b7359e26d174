"""The folder that a set is made in: what is done, what has to be done again, and what is refused."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable

import pytest

from olacore.commands.set_steps import Step
from olacore.commands.set_work import Work, difference
from olacore.drawing.work_folder import RECORD
from olacore.errors import ConfigError


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
    with pytest.raises(ConfigError, match="text was made of another .*data; give --force to make .*text again"):
        Work(tmp_path).to_do(now)
    assert Work(tmp_path).to_do(now, force=True) == now[1:]
    with pytest.raises(ConfigError, match="data was made with one, not 1; give --force to make .*data again"):
        Work(tmp_path).to_do(before)
    make(now[1])
    assert Work(tmp_path).to_do(now) == now[2:]


def test_difference__of_half_a_command():
    assert difference("ola 'train --stack 3", "ola train --stack 4") == "with 'train --stack 3, not train --stack 4"


@pytest.fixture
def made(tmp_path) -> list[Step]:
    """A run that is done, with another command, and a set of it."""
    run = Step("text", ("2",), tmp_path / "text")
    run.made.mkdir()
    with Work(tmp_path).doing(Step("text", ("1",), run.made)):
        (run.made / "config.json").write_text("first")
    return [run, Step("bundle", ("3",), tmp_path / "set", (run,))]


def forced(steps: list[Step], then: Callable[[], None]) -> None:
    """Make the first step again, up to where something happens."""
    work = Work(steps[0].made.parent)
    assert work.to_do(steps, force=True) == steps
    with work.doing(steps[0]):
        then()


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [ConfigError("window must be odd."), SystemExit(130), KeyboardInterrupt()])
def test_doing__of_what_failed_before_it_replaced_anything_leaves_the_record(error, made, tmp_path):
    before = (tmp_path / RECORD).read_bytes()
    with pytest.raises(type(error)):
        forced(made, lambda: fail(error))
    assert (tmp_path / RECORD).read_bytes() == before
    with pytest.raises(ConfigError, match="text was made with 1, not 2; give --force"):
        Work(tmp_path).to_do(made)


@pytest.mark.parametrize("replaced", [False, True])
def test_doing__of_what_was_killed_while_it_was_to_replace_something(replaced, made, tmp_path):
    """Or failed after it had replaced it: the next try goes on."""

    def killed() -> None:
        if replaced:
            (made[0].made / "config.json").write_text("the second")
        shutil.copy(tmp_path / RECORD, tmp_path / "then.json")
        fail(ConfigError("no more space."))

    with pytest.raises(ConfigError, match="no more space"):
        forced(made, killed)
    for record in (RECORD, "then.json"):
        (tmp_path / record).replace(tmp_path / RECORD)
        work = Work(tmp_path)
        if replaced:
            assert work.to_do(made) == made
            assert work.to_do(made, force=True) == made
            assert work.odd == [], "it goes on, and is not forced once more"
            first = Step("text", ("1",), made[0].made)
            with pytest.raises(ConfigError, match="text was made with 2, not 1; give --force"):
                Work(tmp_path).to_do([first, Step("bundle", ("3",), tmp_path / "set", (first,))])
        else:
            with pytest.raises(ConfigError, match="text was made with 1, not 2; give --force"):
                work.to_do(made)
            assert Work(tmp_path).to_do(made, force=True) == made
    forced_now = Work(tmp_path)
    forced_now.to_do(made, force=True)
    with forced_now.doing(made[0]):
        pass
    assert "over" not in Work(tmp_path).steps["text"]
    assert Work(tmp_path).to_do(made) == made[1:]


@pytest.mark.parametrize("touched", [False, True])
def test_doing__of_what_it_did_not_make_is_recorded_when_it_is_done(touched, tmp_path):
    step = Step("data", ("1",), tmp_path / "data.h5")
    step.made.write_text("of someone else")

    def refuse() -> None:
        if touched:
            step.made.write_text("opened by the command")
        raise ConfigError("made with maker.")

    with pytest.raises(ConfigError, match="made with maker"), Work(tmp_path).doing(step):
        refuse()
    assert Work(tmp_path).steps == {}
    with Work(tmp_path).doing(step):
        assert Work(tmp_path).steps == {}
    assert Work(tmp_path).is_done(step)


def test_doing__of_what_made_nothing_is_forgotten(tmp_path):
    """What is put there later is not taken for its own."""
    step = Step("data", ("1",), tmp_path / "data.h5")
    with pytest.raises(ConfigError, match="no teacher"), Work(tmp_path).doing(step):
        raise ConfigError("no teacher.")
    assert Work(tmp_path).steps == {}


def test_work__records_commands_with_every_name(tmp_path):
    """Of which a shell may write as many as it takes, and which may be no text."""
    names = [f"photos/ä {number:06}.png" for number in range(50_000)]
    step = Step("data", ("precompute", *names, os.fsdecode(b"\xff.png")), tmp_path / "data.h5")
    with Work(tmp_path).doing(step):
        step.made.write_text("")
    assert Work(tmp_path).is_done(step)
    assert [*Work(tmp_path).steps["data"]["command"].split()[-1:]] == ["'\\udcff.png'"]
