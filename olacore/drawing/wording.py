"""How training captions are worded, where they are all made of a few patterns: "a red heart above a blue square".

Two words take the same place where two captions differ in them alone, as "a red heart" and "a blue heart". A pattern is
a caption with one word for all that take its place, and so new captions of things that are known have a known one. A
prompt of known words and no known pattern, such as "red heart, blue square", is drawn of sums of words that are like
none from training.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from olacore.text.emoji import name_emoji
from olacore.text.words import words_in, words_read

# The share of captions whose pattern no other has, up to which prompts are told by theirs. By Good and Turing as many
# new captions have one that is not known, and would be told wrongly.
ALONE = 0.02
# Captions, evenly of all, that are looked at for words that take the same place: more take longer.
COMPARED = 4096


class Wording:
    """The patterns of captions.

    Parameters
    ----------
    table : of the words that are known
    captions : of training
    styles : words that have no place in patterns, since they may stand anywhere
    """

    def __init__(self, table: Any, captions: Iterable[str], styles: Iterable[str] = ()) -> None:
        self._table = table
        self._styles = sorted((" ".join(words_in(style)) for style in styles), key=len, reverse=True)
        texts = [*dict.fromkeys(self._lines_of(caption) for caption in captions)]
        self._alike = alike(texts[:: max(len(texts) // COMPARED, 1)])
        counts = Counter(self._pattern(text) for text in texts)
        alone = sum(count == 1 for count in counts.values())
        self._words = {line for text in texts for line in text}
        self._patterns = counts.keys() if alone <= ALONE * len(texts) else None

    def has(self, prompt: str) -> bool:
        """Whether the pattern of a prompt is that of a caption, or that tells nothing of it: it has words that no
        caption has, or captions are worded freely."""
        lines = tuple(found[0] for found in self._table.read(self._bare(prompt))[0])
        return self._patterns is None or not self._words.issuperset(lines) or self._pattern(lines) in self._patterns

    def _bare(self, text: str) -> str:
        words = f" {' '.join(words_in(name_emoji(text)))} "
        for style in self._styles:
            words = words.replace(f" {style} ", " ")
        return words

    def _lines_of(self, caption: str) -> tuple[int, ...]:
        found = map(self._table.line_of, words_read(self._bare(caption)))
        return tuple(line for line in found if line is not None)

    def _pattern(self, text: Sequence[int]) -> tuple[int, ...]:
        return tuple(self._alike.get(line, line) for line in text)


def alike(texts: Iterable[tuple[int, ...]]) -> dict[int, int]:
    """One of the words of texts that take its place, for each word.

    Parameters
    ----------
    texts : words by number, each text once
    """
    first: dict[int, int] = {}

    def one(word: int) -> int:
        while (other := first.setdefault(word, word)) != word:
            word = other
        return word

    rests: dict[tuple[int, tuple[int, ...]], int] = {}
    for text in texts:
        for place, word in enumerate(text):
            # Of two texts that are equal but for the word in this place.
            known = rests.setdefault((place, text[:place] + text[place + 1 :]), word)
            low, high = sorted((one(known), one(word)))
            first[high] = low
    return {word: one(word) for word in first}
