"""Functions of a user's own Python file: it is a program, which runs with all that its user may do."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from olacore.errors import ConfigError, FileFormatError, OlacoreError
from olacore.foreign.reading import read_file

MOST_BYTES = 1 << 24


def own_function(path: Path, name: str, what: str, arguments: str) -> Callable[..., Any]:
    """Run a Python file, and return a function that it defines.

    Parameters
    ----------
    what : of sentences, such as "the loss"
    arguments : of the function, for sentences

    Raises
    ------
    FileFormatError  if the file is missing or does not run
    ConfigError  if it has no such function
    """
    read_file(path, what, MOST_BYTES)
    spec = importlib.util.spec_from_file_location(f"own_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with named(path, what):
        spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"{what} {path} has no function {name!r}; define {name}({arguments}).")
    return function


@contextmanager
def named(path: Path, what: str) -> Iterator[None]:
    """Turn whatever a user's file raises, or its wish to exit, into one sentence with the line.

    Raises
    ------
    FileFormatError  if the body raises anything but our own errors
    """
    try:
        yield
    except OlacoreError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit):
            did = f"exits ({error.code!r})"
        else:
            words = " ".join(str(error).split())
            did = f"raises {type(error).__name__}{f': {words}' if words else ''}"
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
        at = f", line {line}," if line else ""
        raise FileFormatError(f"{what} {path}{at} {did}; correct that file.") from error
