"""Damage to text: JSON, JSON lines, and tables of captions."""

from __future__ import annotations

import json
from random import Random

from tests.fuzz.damage import values

ODD = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xff", b"\0", b"\r", b"\x1b]0;x\x07", b"\t\t\t", b"\n\n", b"\xe2\x80\xa8",
    b"\xed\xa0\x80", b'"',
    b"{}\n", b"[]\n", b'"x"\n', b"1\n", b"NaN", b"null\n", b"x" * 70_000, b"[" * 5000, b'{"generation": "x"}\n',
    b"../../x\ty\n",
)  # fmt: skip


def knows(data: bytes) -> bool:
    """Whether it is text."""
    try:
        return bool(data.decode())
    except UnicodeDecodeError:
        return False


def mangle(rng: Random, data: bytes) -> tuple[bytes, str]:
    """Change a value of JSON, or of a line of JSON; put odd characters in; lose, double or move a line."""
    lines = data.splitlines(keepends=True)
    number = rng.randrange(len(lines))
    if rng.random() < 0.75:
        for text, put in ((data, None), (lines[number], number)):
            try:
                value, word = values.mangle(rng, json.loads(text))
            except ValueError:
                continue
            made = values.dumps(value).encode("utf-8", "surrogatepass")
            if put is None:
                return made, f"json {word}"
            lines[put] = made + b"\n"
            return b"".join(lines), f"line {put} {word}"
    way = rng.choice(("odd", "odd", "lose", "double", "move"))
    if way == "odd":
        at, odd = rng.randrange(len(data) + 1), rng.choice(ODD)
        return data[:at] + odd + data[at:], f"put {odd[:20]!r} @{at}"
    line = lines.pop(number)
    if way != "lose":
        lines.insert(rng.randrange(len(lines) + 1), line * (1 + (way == "double")))
    return b"".join(lines), f"{way} line {number}"
