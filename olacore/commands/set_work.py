"""The folder that a set is made in: which steps are done, by which commands, of what, and what they took."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from olacore.commands.say import say
from olacore.commands.set_files import content_of, seen_again, stamp_of
from olacore.commands.set_steps import GIVEN, Step
from olacore.drawing.work_folder import BUNDLE, RECORD, SCHEMA, read_record
from olacore.errors import ConfigError, OlacoreError
from olacore.files import is_there, make_folder, replace_file
from olacore.search.run_log import CONFIG


class Work:
    """The folder, and what is recorded of steps.

    Parameters
    ----------
    folder : made when the first step begins
    given : fingerprints of what was there already, by the names of `GIVEN`
    files : the same as files, whose content is read where their sizes or times are not those of the record

    Raises
    ------
    FileFormatError  if the record cannot be read
    """

    def __init__(
        self, folder: Path, given: Mapping[str, str] | None = None, files: Mapping[str, Sequence[Path]] | None = None
    ) -> None:
        self.folder, self.path = folder, folder / RECORD
        there = read_record(folder)
        self.steps: dict[str, Any] = there["steps"]
        before = there.get("files", {})
        self.files = {name: seen_again(paths, before.get(name), name) for name, paths in (files or {}).items()}
        self.given = {**(given or {}), **{name: seen["digest"] for name, seen in self.files.items()}}
        self.odd: list[Step] = []

    def is_done(self, step: Step) -> bool:
        """Whether there is nothing to do; a set is put together each time."""
        made = step.name != BUNDLE and is_there(step.made) and step not in self.odd
        return made and self.steps.get(step.name, {}).get("done", False)

    def is_whole(self, steps: Sequence[Step]) -> bool:
        """Whether all steps are done as they are asked for, and the set that the last one made is as it was."""
        *before, last = steps
        told = self.steps.get(last.name, {})
        same = told.get("done", False) and told["digest"] == self.digest(last)
        return same and all(map(self.is_done, before)) and told.get("set") == digest_of_set(last.made) != ""

    def to_do(self, steps: Sequence[Step], force: bool = False) -> list[Step]:
        """Those that are not done, and that the last one or another of them reads; the last one is always done.

        Parameters
        ----------
        force : make again what was made otherwise, when its turn comes

        Raises
        ------
        ConfigError  if there is something that was made otherwise, or of what is gone and has to be made again
        """
        for step in steps:
            self.settle(step)
        there = [step for step in steps[:-1] if step.name in self.steps and is_there(step.made)]
        odd = [step for step in there if self.steps[step.name]["digest"] != self.digest(step)]
        if odd and not force:
            made = ", ".join(str(step.made) for step in odd)
            raise ConfigError(f"{self.why(odd)}; give --force to make {made} again, or another -o or --work.")
        self.odd = odd
        asked = [steps[-1]]
        for step in reversed(steps[:-1]):
            if not self.is_done(step) and any(step in one.reads for one in asked):
                asked.insert(0, step)
        gone = [step for step in asked if not is_there(step.made)]
        late = [step for step in there if step not in odd and made_of(step, gone)]
        if late:
            lost = made_of(late[0], gone)[0].made
            raise ConfigError(f"{lost} is gone, and what was made of it is there; {again(late)}")
        return asked

    def why(self, odd: Sequence[Step]) -> str:
        """Begin a sentence on what was made otherwise: by which options, or else of what."""
        for step in odd:
            if (then := self.steps[step.name]["command"]) != step.command:
                return f"{step.made} was made {difference(then, step.command)}"
        for step in odd:
            then = self.steps[step.name].get("given", {})
            if changed := [GIVEN[name] for name in step.given if then.get(name) != self.given[name]]:
                return f"{step.made} was made before {' and '.join(changed)} changed"
        for step in odd:
            then = self.steps[step.name].get("read", {})
            if other := [str(one.made) for one in step.reads if then.get(one.name) not in (None, self.digest(one))]:
                return f"{step.made} was made of another {' and another '.join(other)}"
        return f"{odd[0].made} was made of what is not the same now"

    def digest(self, step: Step) -> str:
        """Of what a step does, of what was given to it, and of the steps whose files it reads."""
        # A set is the same whether it replaced another or not.
        command = step.command.removesuffix(" --force") if step.name == BUNDLE else step.command
        told = [command, *(self.given[name] for name in step.given), *map(self.digest, step.reads)]
        return sha256("\n".join(told).encode()).hexdigest()

    def settle(self, step: Step) -> None:
        """Where a try was killed that was to replace something, take the record of that unless it is replaced."""
        over = self.steps.get(step.name, {}).pop("over", None)
        if over is not None and over.pop("stamp") == stamp_of_made(step):
            self.steps[step.name] = over

    def save(self) -> None:
        """Write the record."""
        content = {"schema": SCHEMA, "steps": self.steps, "files": self.files}
        replace_file(self.path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())

    @contextmanager
    def doing(self, step: Step) -> Iterator[None]:
        """Record that a step has begun and, unless it fails, that it is done, and the seconds of all tries.

        A try that fails before it has made or replaced anything leaves the record as it was. What is there and was not
        recorded is someone else's until the command has taken it.
        """
        before, stamp, digest = self.steps.get(step.name), stamp_of_made(step), self.digest(step)
        old = before if before and before["digest"] == digest and not before["done"] else {}
        foreign = before is None and is_there(step.made)
        over = {"over": {**before, "stamp": stamp}} if before and step in self.odd else {}
        began, used = time.perf_counter(), processor_seconds()

        def record(done: bool) -> None:
            wall, processor = time.perf_counter() - began, processor_seconds() - used
            seconds = {"wall": round(old.get("wall", 0) + wall, 1)}
            seconds |= {"processor": round(old.get("processor", 0) + processor, 1)}
            given = {name: self.given[name] for name in step.given}
            read = {one.name: self.digest(one) for one in step.reads}
            told = {"command": step.command, "given": given, "read": read, "digest": digest, "done": done, **seconds}
            if done and step.name == BUNDLE:
                told["set"] = digest_of_set(step.made)
            self.steps[step.name] = told if done else {**told, **over}
            self.save()

        make_folder(self.folder)
        if not foreign:
            record(done=False)
        try:
            yield
        except BaseException:
            if before is None and (foreign or stamp_of_made(step) == stamp):
                self.steps.pop(step.name, None)
                self.save()
            else:
                record(done=False)
                self.settle(step)
                self.save()
            raise
        record(done=True)


def run(step: Step, work: Work) -> None:
    """Do a step as the command does it; its errors and its exit code are raised.

    It goes on from where an earlier try was, or replaces what was made otherwise once the command has taken all else.
    """
    how = "--force" if step in work.odd else "--resume"
    more = [how] if step.name != BUNDLE and is_there(step.made) else []
    say(f"$ {shlex.join(('ola', *step.arguments, *more))}")
    with work.doing(step), context_of(step, more) as context:
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


def stamp_of_made(step: Step) -> str:
    """Size and time of what tells by its change that a command has begun to make something: of runs their settings."""
    return stamp_of(step.made / CONFIG if step.made.is_dir() else step.made)


def digest_of_set(folder: Path) -> str:
    """SHA-256 of what a set says of itself, all its files too; nothing where it is gone or damaged."""
    from olacore.drawing.module_set import ABOUT, open_set

    try:
        open_set(folder.absolute())
    except OlacoreError:
        return ""
    return content_of(folder / ABOUT)


def difference(then: str, now: str) -> str:
    """End a sentence on what another command made, by the options that differ."""
    old, new = options_in(then), options_in(now)
    gone, came = ([one for one in those if one not in others] for those, others in ((old, new), (new, old)))
    if gone:
        return f"with {' '.join(gone)}{', not ' + ' '.join(came) if came else ''}"
    return f"without {' '.join(came)}" if came else "with these options in another order"


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
    try:
        words = shlex.split(command)
    except ValueError:  # a damaged record may have half a command
        words = command.split()
    for word in words:
        if found and found[-1].startswith("--") and " " not in found[-1] and not word.startswith("--"):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
