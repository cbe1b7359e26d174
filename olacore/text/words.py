"""The words of a text."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def words_in(text: str) -> list[str]:
    """The words of a text in lower case: letters and digits, with apostrophes in them.

    Parameters
    ----------
    text : any
    """
    return [word.replace("\u2019", "'") for word in WORD.findall(unicodedata.normalize("NFC", text).lower())]
