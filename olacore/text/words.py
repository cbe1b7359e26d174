"""The words of a text, and which of them are read."""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")

# Of emoji one begins with what is no article: the A button (blood type).
_ARTICLES = "a(?! button blood)|an|the|my|your|our|some|this|that|these|those"
_KINDS = "picture|image|photo|photograph|drawing|painting|illustration|sketch|icon|emoji|portrait"
_ASKING = (
    "please",
    "(?:can|could|would|will) you",
    "(?:i (?:want|need|would like)|i'd like|let me|can i)(?: you to| to see| to have| see| have)?",
    "(?:draw|generate|show)(?: me| us)?",
    # Alone they may be of what is wanted: a paint brush, make up.
    f"(?:paint|sketch|create|make|render|give)(?: me| us|(?= (?:{_ARTICLES}) ))",
    f"(?:{_KINDS})s? of",
)
# What is left out of words with a space between them: articles, and a request before what is wanted. The last word is
# always read, and so is an article in its place, as in "letter a". A page runs it too: what it says has to mean the
# same in JavaScript.
LEFT_OUT = rf"^(?:(?:{_ARTICLES}|{'|'.join(_ASKING)}) )+|(?<= )(?:{_ARTICLES}) | please$"
_LEFT_OUT = re.compile(LEFT_OUT)


def words_in(text: str) -> list[str]:
    """The words of a text in lower case: letters and digits, with apostrophes in them.

    Parameters
    ----------
    text : any
    """
    return [word.replace("\u2019", "'") for word in WORD.findall(unicodedata.normalize("NFC", text).lower())]


def words_read(text: str) -> list[str]:
    """The words of a text without articles, and without a request before them; a text of words keeps one at least.

    Parameters
    ----------
    text : any
    """
    return _LEFT_OUT.sub("", " ".join(words_in(text))).split()
