"""JSON that comes from a file: parsed within bounds, or refused in one sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from olacore.errors import FileFormatError
from olacore.foreign.reading import START, describe_start, read_file

# A parsed value takes up to thirty times the memory of its text.
LARGEST = 1 << 22
DEEPEST = 64
LARGEST_NUMBER = 1 << 64


def read_json(path: Path, what: str, *, largest: int = LARGEST) -> Any:
    """Parse the JSON of a file.

    Parameters
    ----------
    what : of sentences, which name the path behind it: "the recipe"
    largest : bytes that are read at most

    Raises
    ------
    FileFormatError  if it cannot be read, or as `parse_json` does
    """
    return parse_json(read_file(path, what, largest), f"{what} {path}", largest=largest)


def parse_json(text: str | bytes, what: str, *, largest: int = LARGEST) -> Any:
    """Parse JSON of which nothing is known.

    Parameters
    ----------
    what : begins the sentence of an error: "the recipe cats.json"
    largest : characters or bytes that are read at most

    Returns
    -------
    a value whose floats are finite, whose integers have 64 bits at most, whose text can be written as UTF-8, whose
    objects name each key once, and which is at most `DEEPEST` levels deep

    Raises
    ------
    FileFormatError  if it is no JSON, or no such value
    """
    if len(text) > largest:
        raise FileFormatError(f"{what} is too large: it has {len(text)} bytes of JSON; at most {largest} are read.")
    start = text[:START] if isinstance(text, bytes) else b""
    try:
        if isinstance(text, bytes):
            # `json.loads` would let halves of surrogate pairs pass in bytes.
            text = text.decode(json.detect_encoding(text))
        value = json.loads(text, parse_int=_integer, parse_constant=_constant, object_pairs_hook=_object)
        _check(value, 0)
        return value
    except json.JSONDecodeError as error:
        reason = f"{error.msg[0].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno}"
        kind = describe_start(start) if start else ""
        raise FileFormatError(f"{what} is no JSON: {f'it is {kind}' if kind else reason}.") from error
    except UnicodeError as error:
        raise FileFormatError(f"{what} is no JSON: it is no text in UTF-8.") from error
    except RecursionError as error:
        raise FileFormatError(f"{what} is no JSON of ours: it is nested more than {DEEPEST} levels deep.") from error
    except ValueError as error:
        raise FileFormatError(f"{what} is no JSON of ours: {error}.") from error


def _integer(digits: str) -> int:
    # Python refuses to convert thousands of digits, in a sentence of its own.
    if len(digits) > 20 or abs(value := int(digits)) >= LARGEST_NUMBER:
        raise ValueError(f"the number {_shortened(digits)} has more than 64 bits")
    return value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"it names the key {_shortened(twice)!r} twice")
    return found


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise RecursionError
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, float):
        if not math.isfinite(value):  # 1e999
            raise ValueError("it holds a number that is too large")
    elif isinstance(value, dict):
        for key, part in value.items():
            key.encode()
            _check(part, depth + 1)
    elif isinstance(value, list):
        for part in value:
            _check(part, depth + 1)


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}.."
