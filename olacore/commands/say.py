"""Lines and JSON on standard output and standard error, the one way on which text leaves a command.

Names, licences, metadata and messages come from strangers' files, so that what moves the cursor, sets colours or cannot
be seen is shown as an escape.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from olacore.errors import OutputError
from olacore.foreign.names import json_value, shown


def say(text: object, err: bool = False, lines: bool = False) -> None:
    """Print a line.

    Parameters
    ----------
    err : on standard error
    lines : the text has several of them
    """
    with printing(err):
        click.echo(shown(text, lines), file=sys.stderr if err else sys.stdout)


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print one JSON document."""
    with printing():
        click.echo(json.dumps(json_value(value), indent=indent, allow_nan=False), file=sys.stdout)


@contextmanager
def printing(err: bool = False) -> Iterator[None]:
    """Leave quietly where nobody reads standard output any more, and tell where it cannot be written.

    Raises
    ------
    OutputError  if what standard output goes to is full or broken
    SystemExit  if it is a pipe that was closed
    """
    try:
        yield
    except OSError as error:
        if err:  # there is nowhere to tell it
            return
        # What is still in the buffer must not fail once more at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(1) from error
        raise OutputError(f"cannot write to standard output: {error.strerror}.") from error


def prepare_streams() -> None:
    """Print characters that a terminal's encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
