"""How a style is said together with a caption: training captions and prompts are joined by this alone.

The style stands behind the caption, where requests and articles before what is wanted are left out as ever, and where
it moves the place of no other word.
"""

from __future__ import annotations

from collections.abc import Iterable

from olacore.text.words import words_in

MOST_STYLE = 100
# What exports say of it.
JOINED = "CAPTION, STYLE"


def plain_style(text: str) -> str:
    """A style as it is kept: in lower case, with single blanks."""
    return " ".join(text.lower().split())


def is_style(text: str) -> bool:
    """Whether it is a style as it is kept: a word or a few, of up to `MOST_STYLE` characters."""
    fits = len(text) <= MOST_STYLE and text.isprintable() and text == plain_style(text)
    return fits and bool(words_in(text))


def said(text: str, styles: Iterable[str]) -> str:
    """The style whose words a text ends in, the longest of several; "" for none."""
    words = words_in(text)
    lengths = {style: len(own) for style in styles if (own := words_in(style)) and words[-len(own) :] == own}
    return max(lengths, key=lengths.__getitem__, default="")


def styled(caption: str, style: str) -> str:
    """A caption or a prompt together with a style, which may be empty, unless it ends in it already."""
    return caption if not style or said(caption, [style]) else f"{caption}, {style}"
