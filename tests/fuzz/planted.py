"""Commands with one fault each, to prove that the fuzzer finds it: all is well on sound files alone."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from tests.fuzz.kinds import Kind

SOUND = b"sound" * 20


def raise_something() -> None:
    """An error that nobody expects."""
    raise ZeroDivisionError("planted")


def never_end() -> None:
    """Wait for ever."""
    while True:
        time.sleep(0.01)


def die() -> None:
    """Read where nothing is."""
    ctypes.string_at(0)


def take_much() -> None:
    """Take memory, and use it."""
    np.ones(1 << 25)


def speak_unclearly() -> None:
    """End badly without a sentence."""
    click.echo("hm", err=True)
    raise SystemExit(1)


FAULTS: dict[str, Callable[[], None]] = {
    "traceback": raise_something,
    "hang": never_end,
    "crash": die,
    "memory": take_much,
    "unclear": speak_unclearly,
}


def make(folder: Path) -> None:
    """Write a sound file."""
    (folder / "file").write_bytes(SOUND)


# The same names, as the fuzzer knows kinds of files.
KINDS = {name: Kind(make, {"file": (f"{name} {{file}}",)}) for name in FAULTS}


def group() -> click.Group:
    """The commands."""
    return click.Group("planted", {name: command(name) for name in FAULTS})


def command(name: str) -> click.Command:
    """A command that reads a file."""

    def read(file: str) -> None:
        if Path(file).read_bytes() != SOUND:
            FAULTS[name]()

    return click.Command(name, callback=read, params=[click.Argument(["file"])])
