"""Docstrings of this project in the form that numpydoc reads.

Here `name : what it is` describes a parameter, an error stands on the line of its reason, and what comes back is said
in one sentence; the types stand in the annotations. numpydoc would take each of these descriptions for a type.
"""

from __future__ import annotations

import inspect
import re
from itertools import pairwise
from typing import Any

ENTRY = re.compile(r"(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (.*)")
ERROR = re.compile(r"(\w+(?:, \w+)*)  +(.*)")
ENTRIES = {"Parameters": ENTRY, "Attributes": ENTRY, "Raises": ERROR, "Warns": ERROR}
ANSWERS = ("Returns", "Yields")


def for_numpydoc(lines: list[str], thing: Any = None) -> list[str]:
    """Bring the sections of a docstring into numpydoc's form.

    Parameters
    ----------
    lines : of the docstring, without its indent
    thing : what it describes; its annotation says what type comes back
    """
    made: list[str] = []
    starts = [at for at in range(len(lines) - 1) if lines[at] and set(lines[at + 1]) == {"-"}]
    starts.append(len(lines))
    made += lines[: starts[0]]
    for start, end in pairwise(starts):
        title, body = lines[start], lines[start + 2 : end]
        made += [title, lines[start + 1]]
        if title in ANSWERS:
            made += [answer_type(thing), *(f"    {line.strip()}" for line in trimmed(body)), ""]
        elif title in ENTRIES:
            made += entries(ENTRIES[title], body)
        else:
            made += body
    return made


def entries(form: re.Pattern[str], body: list[str]) -> list[str]:
    """Entries of a section: a line of names, and below it, indented, what is said of them."""
    made: list[str] = []
    for line in body:
        if found := form.fullmatch(line):
            text = found[2]
            made += [found[1], f"    {text[:1].upper()}{text[1:]}"]
        else:
            made.append(f"    {line.strip()}" if line.strip() else "")
    return made


def trimmed(body: list[str]) -> list[str]:
    """Lines without the empty ones at their end."""
    while body and not body[-1].strip():
        body = body[:-1]
    return body


def answer_type(thing: Any) -> str:
    """What the annotation says of what comes back."""
    function = inspect.unwrap(getattr(thing, "fget", None) or getattr(thing, "func", None) or thing)
    annotation = getattr(function, "__annotations__", {}).get("return", "result")
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def process(app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Answer Sphinx's event of a docstring, before numpydoc does."""
    lines[:] = for_numpydoc(lines, thing)
