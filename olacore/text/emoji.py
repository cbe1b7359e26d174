"""Emoji in a text, replaced by their names."""

from __future__ import annotations

import unicodedata


def name_emoji(text: str) -> str:
    """A text with every emoji replaced by its name; other text stays."""
    if text.isascii():
        return text
    return "".join(
        f" {unicodedata.name(one, '').lower()} " if unicodedata.category(one) == "So" else one for one in text
    )
