"""What is said beside a picture of its prompts: what of them is not known, or that no training caption is like them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from typing import Any

from olacore.drawing.captions import MOST_VARIETY
from olacore.drawing.settings import Settings
from olacore.foreign.names import counted
from olacore.text.emoji import name_emoji
from olacore.text.words import words_in, words_read

# On several pictures, and on any.
ALIKE = "without variety all pictures are the same"
SAME = "variety has no effect: the prompt leans on no captions, and the set has no denoisers up to it"
# On a single one.
NO_SEED = "without variety the seed has no effect"
NO_AWAY = "nothing of the negative prompt is known; it has no effect"
# On a picture of before its record had that, which decides how a prompt that is like no training caption is drawn.
UNMEASURED = (
    "the picture does not say what its set had measured of its data, and no training caption is like the prompt: drawn "
    "again it may differ"
)
# Words that are named.
MOST_NAMED = 8


def words_said(table: Any, captions: Iterable[str]) -> frozenset[int]:
    """The lines of a table's words that captions have."""
    words = {word for caption in captions for word in words_in(name_emoji(caption))}
    return frozenset(line for word in words if (line := table.line_of(word)) is not None)


def on_prompt(table: Any, prompt: str, said: Set[int] | None = None) -> list[str]:
    """Notes on the words of a prompt.

    Parameters
    ----------
    table : of the words that are known
    said : its lines whose words training captions have; None where it does not matter
    """
    return [*_on_unknown(table, prompt), *_on_unsaid(table, prompt, said)]


def on_negative(table: Any, negative: str, said: Set[int] | None = None) -> list[str]:
    """Notes on the words of a negative prompt, as those of `on_prompt`."""
    if not negative.strip():
        return []
    if not any(table.read(name_emoji(negative))[0]):
        return [NO_AWAY]
    of = " of the negative prompt"
    return [*_on_unknown(table, negative, of), *_on_unsaid(table, negative, said, of)]


def on_chance(asked: Settings, leans: bool, levels: Sequence[float], count: int = 1) -> list[str]:
    """Notes on what of variety and seed has no effect; the one place that says so.

    Parameters
    ----------
    leans : whether chance decides which captions the prompt is drawn of
    levels : of noise that it passes otherwise, from high to low
    count : pictures, of seeds that follow each other
    """
    if not asked.variety:
        alone = [NO_SEED] if asked.seed else []
        return [ALIKE] if count > 1 else alone
    if not leans and not levels:
        return [SAME]
    most = min(asked.variety, MOST_VARIETY if leans else levels[0])
    if most == asked.variety:
        return []
    why = "chance moves the weights of captions by no more" if leans else "the set has no denoisers between the two"
    return [f"variety {asked.variety:g} draws what {most:g} does: {why}"]


def on_wording(nearest: str) -> str:
    """A note on a prompt whose pattern no training caption has, see `Wording`.

    Parameters
    ----------
    nearest : of the captions the one that is nearest to it
    """
    return f"no training caption is worded like it, as '{nearest}' is; the picture may be a smear"


def _on_unknown(table: Any, text: str, of: str = "") -> list[str]:
    unknown = dict.fromkeys(table.read(name_emoji(text))[1])
    notes = []
    for word in [*unknown][:MOST_NAMED]:
        near = [f"'{other}'" for other in table.spelt_like(word)]
        notes.append(f"'{word}'{of} is not known; " + (f"read as {', '.join(near)}" if near else "left out"))
    if (more := len(unknown) - MOST_NAMED) > 0:
        notes.append(f"{counted(more, 'more word')}{of} {'is' if more == 1 else 'are'} not known")
    return notes


def _on_unsaid(table: Any, text: str, said: Set[int] | None, of: str = "") -> list[str]:
    if said is None:
        return []
    lines = {word: table.line_of(word) for word in words_read(name_emoji(text))}
    unsaid = [f"'{word}'" for word, line in lines.items() if line is not None and line not in said]
    if not unsaid:
        return []
    if (more := len(unsaid) - MOST_NAMED) > 0:
        unsaid[MOST_NAMED:] = [counted(more, "more word")]
    *first, last = unsaid
    named = f"{', '.join(first)} or {last}" if first else last
    return [f"no training caption has {named}{of}; the picture may be a smear"]
