"""Odd values for JSON: of another type, size or sign, at any place of a value that was sound."""

from __future__ import annotations

import copy
import json
import math
from random import Random
from typing import Any

DEEP = "@deep@"
ODD = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, math.inf, -math.inf, math.nan, 2**31, 2**53, 2**63, -(2**63),
    10**400,
    "", "x", "0", "1", "-1", "inf", "nan", "9" * 5000, "x" * 100_000, "\0", "\ud800", "\x1b]0;x\x07", "[/b]", "[red]x",
    "../../x", "/etc/passwd", "a\nb", "int8", "global", "\u202e", [], [[]], [1, 2, 3], ["x"], [None] * 1000, {},
    {"a": {}},
    {"x": [1]}, DEEP,
)  # fmt: skip


def dumps(value: Any) -> str:
    """Write JSON, with the deep value where it is asked for: no encoder goes as deep."""
    return json.dumps(value).replace(f'"{DEEP}"', "[" * 5000 + "]" * 5000)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """The ways to every value within a value, itself first."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in items:
        found += places(held, (*path, key))
    return found


def near(rng: Random, value: Any) -> Any:
    """Something close to a value, of another type or sign or size."""
    if isinstance(value, bool) or value is None:
        return rng.choice((not value, "true", 2))
    if isinstance(value, int | float):
        return rng.choice(
            (-value, value + 1, value - 1, value * 1000, value * 2**40, str(value), float(value), [value])
        )
    if isinstance(value, str):
        return rng.choice((value + "x", value[:-1], value.upper(), [value], f" {value}", value.encode().hex()))
    if isinstance(value, list):
        return rng.choice((value[:-1], value * 2, value[::-1], dict(enumerate(value)), value[:1], [value]))
    return rng.choice(([value], list(value.values()), {k: value[k] for k in list(value)[1:]}))


def mangle(rng: Random, value: Any) -> tuple[Any, str]:
    """Change one place of a value."""
    value = copy.deepcopy(value)
    path = rng.choice(places(value))
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    if path and rng.random() < 0.2:
        if rng.random() < 0.6 or not isinstance(holder, dict):
            del holder[path[-1]]
            return value, f"drop {path}"
        holder[rng.choice(("", "x", "\0", str(path[-1]) + "x"))] = holder.pop(path[-1])
        return value, f"rename {path}"
    old = holder[path[-1]] if path else value
    new = copy.deepcopy(rng.choice(ODD)) if rng.random() < 0.7 else near(rng, old)
    if path and isinstance(old, dict) and rng.random() < 0.5:
        old[rng.choice(("x", "", "schema"))] = new
    elif path:
        holder[path[-1]] = new
    else:
        value = new
    return value, f"set {path} {str(new)[:40]!r}"
