"""Emoji in a text, replaced by their names."""

from __future__ import annotations

import unicodedata
from functools import cache

from olacore.files import shipped_file

NAMES = "emoji.txt"
# It asks for the picture in place of the sign, and changes no name.
AS_PICTURE = "\ufe0f"


@cache
def names() -> dict[str, str]:
    """Names by emoji: Unicode's short names, of sequences too."""
    lines = shipped_file(NAMES).read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" ") for line in lines)
    return {"".join(chr(int(code, 16)) for code in codes.split("-")): name for codes, _, name in pairs}


def name_emoji(text: str) -> str:
    """A text with every emoji replaced by its name; other text stays.

    Parameters
    ----------
    text : any
    """
    if text.isascii():
        return text
    known, text = names(), text.replace(AS_PICTURE, "")
    longest = max(map(len, known))
    found, place = [], 0
    while place < len(text):
        sizes = range(min(longest, len(text) - place), 0, -1)
        size = next((size for size in sizes if text[place : place + size] in known), 0)
        if size:
            found.append(f" {known[text[place : place + size]]} ")
        elif unicodedata.category(text[place]) == "So":
            found.append(f" {unicodedata.name(text[place], '').lower()} ")
        else:
            found.append(text[place])
        place += max(size, 1)
    return "".join(found)
