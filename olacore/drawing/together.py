"""Pictures of several prompts at once, each as it would be drawn alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from olacore.drawing.generator import AWAY, Drawing, Generator, Lean
from olacore.drawing.notes import on_chance, on_negative
from olacore.drawing.settings import Settings


@dataclass(frozen=True)
class Wish:
    """One picture to be drawn.

    Parameters
    ----------
    prompt, settings : as `Generator.draw` takes them
    init : (H, W, 3) uint8 of the set's size to start from
    strength : how far to go from it, 0 to 1
    """

    prompt: str
    settings: Settings
    init: np.ndarray | None = None
    strength: float = 0.5


def draw_together(generator: Generator, wishes: Sequence[Wish]) -> list[Drawing]:
    """Draw pictures, quicker than one after the other where the generator uses kernels, which then give the same bytes.

    Raises
    ------
    ConfigError, ShapeError  as `Generator.draw`
    """
    for wish in wishes:
        generator.check(wish.settings)
    asked = [replace(wish.settings, style=generator.style_of(wish.prompt, wish.settings)) for wish in wishes]
    read = [generator.read_of(wish.prompt, one) for wish, one in zip(wishes, asked, strict=True)]
    negatives = [
        generator.negative_of(wish.prompt, one) if one.negative else "" for wish, one in zip(wishes, asked, strict=True)
    ]
    texts = dict.fromkeys(read)
    embedded = generator.embedded([*texts, *filter(None, negatives)])
    away = {
        text: on_negative(generator.table, text, generator.said)
        for text in dict.fromkeys(one.negative for one in asked)
    }
    looks = {text: generator.look(text, embedded.get(text)) for text in texts}
    certainty = np.array([looks[text][2] for text in read])
    # Of seeds of one prompt the modules are asked once, unless it leans.
    leans: list[Lean] = [
        (one.lean, one.variety, one.seed) if generator.leans(one, near) else (one.lean,)
        for one, near in zip(asked, certainty, strict=True)
    ]
    needed = {*zip(read, leans, strict=True)}
    needed |= {(text, (one.lean,)) for text, one in zip(negatives, asked, strict=True) if text}
    pairs = sorted(needed)
    found = generator.apart([text for text, _ in pairs], [lean for _, lean in pairs], embedded)
    known = dict(zip(pairs, found, strict=True))
    apart = [
        known[text, lean] - (AWAY * known[negative, (one.lean,)] if negative else np.float32(0))
        for text, lean, negative, one in zip(read, leans, negatives, asked, strict=True)
    ]
    unlike = [generator.unlike(near) for near in certainty]
    expected = generator.lifted(np.array(apart), [one.guidance for one in asked], unlike)
    start = expected.copy()
    for place, wish in enumerate(wishes):
        if wish.init is not None:
            start[place] = generator.between(wish.init, expected[place][None], wish.strength)[0]
    alike = defaultdict(list)
    for place, one in enumerate(asked):
        alike[(*generator.levels(one, certainty[place]), one.solver)].append(place)
    latents = np.empty_like(start)
    for places in alike.values():
        own = [asked[place] for place in places]
        latents[places] = generator.sample(start[places], expected[places], certainty[places], own)
    drawings = []
    for picture, wish, text, one in zip(generator.paint(latents), wishes, read, asked, strict=True):
        notes, nearest, near = looks[text]
        by_chance = on_chance(one, generator.leans(one, near), generator.levels(one, near))
        notes = (*notes, *away[one.negative], *by_chance)
        drawings.append(Drawing(picture, wish.prompt, one, notes, nearest, generator.record(wish.prompt, one)))
    return drawings
