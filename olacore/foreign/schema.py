"""What a value from a file has to be: types, ranges and lengths, checked before anything is made of it.

A check is a function of a value and its place, such as "view.channels", that raises `Misfit` or returns nothing.
`require` applies one to a whole record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from olacore.errors import FileFormatError

Check = Callable[[Any, str], None]
# Of a value that is shown in a sentence.
SHOWN = 60


class Misfit(ValueError):
    """A value that is not what it has to be; the sentence names its place, what was expected, and what came."""


def require(check: Check, value: Any, what: str) -> Any:
    """Return a value that passes a check.

    Parameters
    ----------
    what : begins the sentence of an error, such as the file's path

    Raises
    ------
    FileFormatError  otherwise
    """
    try:
        check(value, "")
    except Misfit as error:
        raise FileFormatError(f"{what} is damaged: {error}.") from error
    return value


def whole(least: int = 0, most: int = (1 << 63) - 1) -> Check:
    """A whole number in a range; neither 16.0 nor true."""
    range_ = f"of {least} or more" if most == (1 << 63) - 1 else f"from {least} to {most}"

    def check(value: Any, place: str) -> None:
        _expect(type(value) is int and least <= value <= most, value, place, f"a whole number {range_}")

    return check


def number(least: float = -math.inf, most: float = math.inf) -> Check:
    """A finite number in a range, whole or not."""
    bounds = ([f"of {least} or more"] if least > -math.inf else []) + ([f"up to {most}"] if most < math.inf else [])
    words = " ".join(["a number", *bounds])

    def check(value: Any, place: str) -> None:
        fits = type(value) in (int, float) and math.isfinite(value) and least <= value <= most
        _expect(fits, value, place, words)

    return check


def flag(value: Any, place: str) -> None:
    """True or false."""
    _expect(isinstance(value, bool), value, place, "true or false")


def text(most: int = 4096) -> Check:
    """Text of a limited length."""

    def check(value: Any, place: str) -> None:
        _expect(isinstance(value, str) and len(value) <= most, value, place, f"text of at most {most} characters")

    return check


def one_of(names: Collection[str]) -> Check:
    """One of some words."""

    def check(value: Any, place: str) -> None:
        _expect(isinstance(value, str) and value in names, value, place, f"one of {', '.join(names)}")

    return check


def anything(value: Any, place: str) -> None:
    """Whatever JSON can hold."""


def maybe(part: Check) -> Check:
    """Null, or what passes the check."""

    def check(value: Any, place: str) -> None:
        if value is not None:
            part(value, place)

    return check


def listed(part: Check, least: int = 0, most: int = 1 << 20) -> Check:
    """A list, of so many entries, that pass the check each."""
    count = f"{least}" if least == most else f"{least} to {most}"

    def check(value: Any, place: str) -> None:
        fits = isinstance(value, list | tuple) and least <= len(value) <= most
        _expect(fits, value, place, f"a list of {count} entries")
        for index, entry in enumerate(value):
            part(entry, f"{place}[{index}]")

    return check


def either(one: Check, other: Check, words: str) -> Check:
    """What passes one check or the other; the words say what that is."""

    def check(value: Any, place: str) -> None:
        for part in (one, other):
            try:
                return part(value, place)
            except Misfit:
                continue
        return _expect(False, value, place, words)

    return check


def both(one: Check, other: Check) -> Check:
    """What passes both checks."""

    def check(value: Any, place: str) -> None:
        one(value, place)
        other(value, place)

    return check


def record(needed: Mapping[str, Check], known: Mapping[str, Check] | None = None, *, closed: bool = False) -> Check:
    """An object.

    Parameters
    ----------
    needed, known : checks by key; those that are `known` may be missing
    closed : whether there may be no other key
    """
    checks = {**needed, **(known or {})}

    def check(value: Any, place: str) -> None:
        _expect(isinstance(value, dict), value, place, "an object")
        for key in needed:
            if key not in value:
                raise Misfit(f"{_joined(place, key)} is missing")
        for key, part in value.items():
            if key in checks:
                checks[key](part, _joined(place, key))
            elif closed:
                raise Misfit(
                    f"{place or 'the record'} has an unknown entry {shown(key)}; known are {', '.join(checks)}"
                )

    return check


def mapping(part: Check) -> Check:
    """An object whose values pass the check each."""

    def check(value: Any, place: str) -> None:
        _expect(isinstance(value, dict), value, place, "an object")
        for key, entry in value.items():
            part(entry, _joined(place, key))

    return check


def fields_of(kind: type) -> Check:
    """An object that a dataclass can be made of: its fields and no others.

    Those that are annotated as plain numbers, flags or text, or as these by name, have to be. Fields that `is_plain`
    denies are none of it.
    """
    types = {"int": whole(), "float": number(), "str": text(), "bool": flag}
    types |= {f"dict[str, {name}]": mapping(part) for name, part in types.items()}
    known = [one for one in fields(kind) if is_plain(one)]
    checks = {one.name: types.get(str(one.type), anything) for one in known}
    needed = {one.name for one in known if one.default is MISSING and one.default_factory is MISSING}
    return record({name: checks[name] for name in checks if name in needed}, checks, closed=True)


def is_plain(one: Field[Any]) -> bool:
    """Whether a field of a dataclass is a plain value, and not arrays that are kept apart."""
    return bool(one.metadata.get("plain", True))


def check_carried(view: Mapping[str, Any], needed: Collection[str], there: Collection[str]) -> None:
    """Raise `Misfit` unless the arrays that are there have the names of those that a view of plain values carries."""
    if {*needed} != {*there}:
        expected, found = (", ".join(sorted(names)) or "none" for names in (needed, there))
        raise Misfit(f"the {view['name']} view of the {view['kind']} carries {expected}; got {found}")


def shown(value: Any) -> str:
    """A value as sentences show it, cut where it is long."""
    words = repr(value)
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}.."


def _joined(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _expect(fits: bool, value: Any, place: str, expected: str) -> None:
    if not fits:
        raise Misfit(f"{place or 'the record'} must be {expected}; got {shown(value)}")
