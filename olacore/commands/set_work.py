"""The folder that a set is made in: which steps are done, by which commands, and what they took."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from olacore.commands.say import say
from olacore.commands.set_steps import Step
from olacore.drawing.work_folder import BUNDLE, RECORD, SCHEMA, read_steps
from olacore.errors import ConfigError
from olacore.files import is_there, make_folder, replace_file


class Work:
    """The folder, and what is recorded of steps.

    Parameters
    ----------
    folder : made when the first step begins
    given : fingerprint of what was there already: tables, words, a text module, captioned data

    Raises
    ------
    FileFormatError  if the record cannot be read
    """

    def __init__(self, folder: Path, given: str = "") -> None:
        self.folder, self.path, self.given = folder, folder / RECORD, given
        self.steps: dict[str, Any] = read_steps(folder)

    def is_done(self, step: Step) -> bool:
        """Whether there is nothing to do; a set is put together each time."""
        return step.name != BUNDLE and is_there(step.made) and self.steps.get(step.name, {}).get("done", False)

    def to_do(self, steps: Sequence[Step]) -> list[Step]:
        """Those that are not done, and that the last one or another of them reads; the last one is always done.

        Raises
        ------
        ConfigError  if there is something that was made otherwise, or of what is gone and has to be made again
        """
        there = [step for step in steps[:-1] if step.name in self.steps and is_there(step.made)]
        odd = [step for step in there if self.steps[step.name]["digest"] != self.digest(step)]
        if odd:
            first = next((step for step in odd if self.steps[step.name]["command"] != step.command), odd[0])
            made = f"{first.made} was made {difference(self.steps[first.name]['command'], first.command)}"
            raise ConfigError(f"{made}; {again(odd)}")
        asked = [steps[-1]]
        for step in reversed(steps[:-1]):
            if not self.is_done(step) and any(step in one.reads for one in asked):
                asked.insert(0, step)
        gone = [step for step in asked if not is_there(step.made)]
        late = [step for step in there if made_of(step, gone)]
        if late:
            lost = made_of(late[0], gone)[0].made
            raise ConfigError(f"{lost} is gone, and what was made of it is there; {again(late)}")
        return asked

    def digest(self, step: Step) -> str:
        """Of what a step does, and of what was given."""
        return sha256(f"{step.digest} {self.given}".encode()).hexdigest()

    @contextmanager
    def doing(self, step: Step) -> Iterator[None]:
        """Record that a step has begun and, unless it fails, that it is done, and the seconds of all tries."""
        before = self.steps.get(step.name, {})
        digest = self.digest(step)
        old = before if before.get("digest") == digest and not before.get("done") else {}
        began, used = time.perf_counter(), processor_seconds()

        def record(done: bool) -> None:
            wall, processor = time.perf_counter() - began, processor_seconds() - used
            seconds = {"wall": round(old.get("wall", 0) + wall, 1)}
            seconds |= {"processor": round(old.get("processor", 0) + processor, 1)}
            self.steps[step.name] = {"command": step.command, "digest": digest, "done": done, **seconds}
            content = {"schema": SCHEMA, "steps": self.steps}
            replace_file(self.path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())

        make_folder(self.folder)
        record(done=False)
        try:
            yield
        except BaseException:
            record(done=False)
            raise
        record(done=True)


def run(step: Step, work: Work) -> None:
    """Do a step as the command does it, on from where an earlier try was; its errors and its exit code are raised."""
    resumed = ["--resume"] if step.name != BUNDLE and is_there(step.made) else []
    say(f"$ {shlex.join(('ola', *step.arguments, *resumed))}")
    with work.doing(step), context_of(step, resumed) as context:
        context.command.invoke(context)


def context_of(step: Step, more: Sequence[str] = ()) -> click.Context:
    """What the command makes of its arguments.

    Raises
    ------
    UsageError  if they are none that it takes
    """
    top = click.get_current_context().find_root()
    assert isinstance(top.command, click.Group)
    name, *arguments = step.arguments
    return top.command.commands[name].make_context(name, [*arguments, *more], parent=top)


def difference(then: str, now: str) -> str:
    """End a sentence on what another command made, by the options that differ."""
    old, new = options_in(then), options_in(now)
    gone, came = ([one for one in those if one not in others] for those, others in ((old, new), (new, old)))
    if gone:
        return f"with {' '.join(gone)}{', not ' + ' '.join(came) if came else ''}"
    return f"without {' '.join(came)}" if came else "of what is not the same now"


def made_of(step: Step, those: Sequence[Step]) -> list[Step]:
    """Which of those steps made what a step reads, or what that was made of."""
    found = [one for one in those if one in step.reads]
    return found + [each for one in step.reads for each in made_of(one, those)]


def again(steps: Sequence[Step]) -> str:
    """End a sentence on what cannot be used."""
    made = ", ".join(str(step.made) for step in steps)
    return f"remove {made} to have {'them' if steps[1:] else 'it'} made again, or give --work."


def options_in(command: str) -> list[str]:
    """The options of a command with their values, and its other words."""
    found: list[str] = []
    for word in shlex.split(command):
        if found and found[-1].startswith("--") and " " not in found[-1] and not word.startswith("--"):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
