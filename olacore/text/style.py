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


def style_in(text: str, styles: Iterable[str]) -> str:
    """The style whose words a text has, of several the one that ends last, then the longest; "" for none."""
    words = words_in(text)
    ends: dict[str, tuple[int, int]] = {}
    for style in styles:
        own = words_in(style)
        found = [end for end in range(len(own), len(words) + 1) if words[end - len(own) : end] == own]
        if own and found:
            ends[style] = found[-1], len(own)
    return max(ends, key=ends.__getitem__, default="")


def styled(caption: str, style: str) -> str:
    """A caption or a prompt together with a style, which may be empty, unless it ends in it already."""
    own = words_in(style)
    return caption if not own or words_in(caption)[-len(own) :] == own else f"{caption}, {style}"


def unstyled(caption: str, style: str) -> str:
    """What a caption was before `styled`, unless it ended in the style itself."""
    return caption.removesuffix(f", {style}") if style else caption
