"""Names and other text from elsewhere: shown without harm, put into JSON, and made into names of files; numbers with
their nouns."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite
from typing import Any

# What moves the cursor, sets colours, turns the direction of writing or cannot be seen: C0, DEL, C1, marks of
# bidirectional text, separators of lines, spaces without width, tags, and halves of surrogate pairs. Joiners stay:
# scripts and emoji need them.
UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
SURROGATES = re.compile("[\ud800-\udfff]")
# What a system, a shell or a web server may take for something else in a name: separators, wildcards, quotes, colons.
UNSAFE = re.compile(f'{UNSEEN.pattern[:-1]}/\\\\:*?"<>|]')
# Names that are devices on Windows, whatever suffix they have.
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
# Bytes of a name, so that a number and a suffix fit into the 255 that file systems take.
LONGEST = 200
# Names at most that are said to have been meant, and how like they are, 0 to 1.
NEAR, LIKENESS = 3, 0.6


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Parameters
    ----------
    one, many : the noun of one thing, and of any other number; by default with an s
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def alike(name: str, known: Iterable[str], likeness: float = LIKENESS) -> str:
    """Which of the known names may have been meant, as "one, two or three"; empty where none is near.

    Capitals do not count; of names that begin with the given one, the shortest are named.

    Parameters
    ----------
    likeness : of two names at least, 0 to 1, where one does not begin with the other
    """
    name, names = name.lower(), {one.lower(): one for one in known}
    begun = sorted((one for one in names if one.startswith(name)), key=len)[:NEAR]
    near = [names[one] for one in begun or get_close_matches(name, names, NEAR, likeness)]
    return f"{', '.join(near[:-1])}{' or ' if near[1:] else ''}{near[-1]}" if near else ""


def shown(text: object, lines: bool = False) -> str:
    r"""Return text as a terminal prints it as it stands, with \x1b and the like for what cannot be seen.

    Parameters
    ----------
    lines : keep the ends of lines
    """
    return "\n".join(UNSEEN.sub(_escape, part) for part in (str(text).split("\n") if lines else [str(text)]))


def json_value(value: Any) -> Any:
    r"""Return what every reader of JSON takes: null for what is not finite, \xff and the like for no UTF-8."""
    if isinstance(value, str):
        return SURROGATES.sub(_escape, value)
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {json_value(key): json_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(each) for each in value]
    return value


def file_name(text: str) -> str:
    """Return a name for a file or folder that lies in the folder it is put into, on any system.

    It has neither separators nor control characters, is neither hidden, empty nor a device, and short enough for a
    number and a suffix behind it. Different texts may get the same name.
    """
    name = UNSAFE.sub("_", text).lstrip(". ")
    name = name.encode()[:LONGEST].decode(errors="ignore").rstrip(". ")
    if name.partition(".")[0].rstrip().casefold() in DEVICES or name.startswith("-"):
        name = f"_{name}"
    return name or "_"


def _escape(found: re.Match[str]) -> str:
    code = ord(found.group())
    # Python holds bytes of a file name that are no UTF-8 as U+DC80 to U+DCFF.
    return chr(code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code).encode("unicode_escape").decode()
