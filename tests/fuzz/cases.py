"""A case: a copy of a kind's sound folder in which one file is mangled, and the command that reads it."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from pathlib import Path
from random import Random

from tests.fuzz.damage import damage
from tests.fuzz.damage.safetensors import breaks_seal
from tests.fuzz.kinds import Kind

NOTE = "CASE.json"
# Of the cases in which other files have a digest of the mangled one, how many get that of what it is now.
SEALED = 0.8


@dataclass(frozen=True)
class Case:
    """What is run in a folder.

    Parameters
    ----------
    file : the mangled file, within the folder
    arguments : of `ola`
    damage : what was done to the file, in words
    broken : whether a digest that the command reads is not that of the file as it is
    """

    kind: str
    number: int
    file: str
    arguments: tuple[str, ...]
    damage: tuple[str, ...]
    broken: bool = False


@dataclass(frozen=True)
class Outcome:
    """How a case ended.

    Parameters
    ----------
    verdict : "done", "refused", or what is wrong, see `WRONG`
    place : exception and line of the product where it came from, for what is wrong
    message : the last line that was printed, or the exception's
    seconds, processor : that it took, and of them the processor's, which do not depend on what else runs
    memory : bytes at most over what the process had before
    """

    verdict: str
    place: str = ""
    message: str = ""
    seconds: float = 0.0
    processor: float = 0.0
    memory: int = 0


# Exceptions that nobody caught; no end in time; the death of the process; too much memory; an error that is not one
# clear line; a success although the file is not what its digest says.
WRONG = ("traceback", "hang", "crash", "memory", "unclear", "silent")


def files_of(kind: Kind, folder: Path) -> list[tuple[str, tuple[str, ...]]]:
    """The files of a sound folder that may be mangled, each with its commands."""
    return [
        (path.relative_to(folder).as_posix(), commands)
        for pattern, commands in kind.commands.items()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    ]


def sound_cases(name: str, kind: Kind, folder: Path) -> list[Case]:
    """Every command once, and every file once, as they are."""
    tried: set[str] = set()
    found = []
    for file, commands in files_of(kind, folder):
        fresh = [command for command in dict.fromkeys(commands) if command not in tried]
        tried |= {*commands}
        found += [Case(name, 0, file, arguments(command, file), ()) for command in fresh or commands[-1:]]
    return found


def arguments(command: str, file: str) -> tuple[str, ...]:
    """The arguments of a command on a file."""
    return tuple(word.replace("{file}", file) for word in command.split())


def build(name: str, kind: Kind, sound: Path, folder: Path, seed: int, number: int) -> Case:
    """Make the folder of a case; the same name, seed and number give the same one."""
    rng = Random(f"{seed} {name} {number}")
    files = files_of(kind, sound)
    file, commands = rng.choice(files)
    other, _ = rng.choice(files)
    shutil.copytree(sound, folder)
    before = (sound / file).read_bytes()
    content, done = damage(rng, before, (sound / other).read_bytes())
    (folder / file).write_bytes(content)
    command = rng.choice(commands)
    broken = "{file}" in command and breaks_seal(content, before)
    if kind.seal and any(fnmatch(file, pattern) for pattern in kind.sealed):
        if rng.random() < SEALED:
            kind.seal(folder)
            done.append("sealed")
        else:
            broken = content != before
    return Case(name, number, file, arguments(command, file), tuple(done), broken)


def keep(case: Case, outcome: Outcome, folder: Path) -> None:
    """Write what was found beside the files of its case."""
    (folder / NOTE).write_text(json.dumps({"case": asdict(case), "outcome": asdict(outcome)}, indent=1))


def kept(note: Path) -> tuple[Case, Outcome]:
    """Read it back."""
    stored = json.loads(note.read_text())
    made = {key: tuple(value) if isinstance(value, list) else value for key, value in stored["case"].items()}
    return Case(**made), Outcome(**stored["outcome"])
