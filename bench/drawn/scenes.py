"""What the drawn set shows, in words: things of a colour, a shape and a size, up to three alike or two apart.

A caption says everything about its picture. 26 words make 31,590 of them: "a red heart", "two small blue squares", "a
large green star left of a black circle". Whatever is of no named size is of the middle one. With styles a scene is
filled or outlined, all of it: "a red heart, outlined".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np

from olacore.errors import DataError
from olacore.text.style import styled

COLOURS = ("red", "yellow", "green", "blue", "purple", "black")
SHAPES = ("circle", "square", "triangle", "star", "heart")
# The middle one goes without saying.
SIZES = ("small", "", "large")
COUNTS = ("a", "two", "three")
# Where the first thing is, from the second, in pictures' coordinates: right and down.
RELATIONS = {"above": (0, -1), "below": (0, 1), "left of": (-1, 0), "right of": (1, 0)}
# Pairs of a colour and a shape that are in no training caption, and the share of all pairs of kinds that never are
# together in one: of validation, and held out.
UNSEEN_PAIRS = {"validation": 2, "held-out": 3}
UNSEEN_SCENES = {"validation": 0.06, "held-out": 0.1}
# A scene without a style is drawn filled. Of pairs of a colour and a shape that training has, so many are held out in
# one style.
FILLED, OUTLINED = STYLES = ("filled", "outlined")
UNSEEN_STYLES = {"validation": 2, "held-out": 4}
TRAIN = "train"

NAME = rf"(?:(?:{'|'.join(filter(None, SIZES))}) )?(?:{'|'.join(COLOURS)}) (?:{'|'.join(SHAPES)})"
CAPTION = re.compile(
    rf"({'|'.join(COUNTS)}) ({NAME})(s?)(?: ({'|'.join(RELATIONS)}) a ({NAME}))?(?:, ({'|'.join(STYLES)}))?"
)

# A colour and a shape.
Kind = tuple[str, str]
KINDS: tuple[Kind, ...] = tuple(product(COLOURS, SHAPES))
CAPTIONS_IN_ALL = len(KINDS) * len(SIZES) * (len(COUNTS) + (len(KINDS) - 1) * len(SIZES) * len(RELATIONS))


@dataclass(frozen=True, order=True)
class Thing:
    """Something of a colour, a shape and a size, which is empty for the middle one."""

    colour: str
    shape: str
    size: str = ""

    @property
    def kind(self) -> Kind:
        """Its colour and its shape."""
        return self.colour, self.shape

    @property
    def name(self) -> str:
        """As a caption has it."""
        return " ".join(filter(None, (self.size, self.colour, self.shape)))


@dataclass(frozen=True)
class Scene:
    """One to three things alike, or two things of different kinds and how the first lies to the second.

    Parameters
    ----------
    things : one, or two
    count : how often there is the one
    relation : one of `RELATIONS`, of two things
    style : one of `STYLES`, or ""
    """

    things: tuple[Thing, ...]
    count: int = 1
    relation: str | None = None
    style: str = ""

    @classmethod
    def of(cls, caption: str) -> Scene:
        """Read a caption.

        Raises
        ------
        DataError  if it is none of the drawn set's
        """
        found = CAPTION.fullmatch(caption)
        if found is None:
            raise DataError(f"{caption!r} is no caption of the drawn set, such as 'a red heart above a blue square'.")
        count, first, _, relation, second, style = found.groups()
        number, things = COUNTS.index(count) + 1, tuple(_thing(name) for name in (first, second) if name)
        scene = cls(things, number, relation, style or "")
        if scene.caption != caption or len(scene.kinds) < len(things):
            raise DataError(f"{caption!r} is no caption of the drawn set: it would be {scene.caption!r}.")
        return scene

    @property
    def caption(self) -> str:
        """What it shows, in words, and its style."""
        return styled(self.plain, self.style)

    @property
    def plain(self) -> str:
        """What it shows, in words."""
        first = self.things[0]
        if self.relation is None:
            return f"{COUNTS[self.count - 1]} {first.name}" + "s" * (self.count > 1)
        return f"a {first.name} {self.relation} a {self.things[1].name}"

    @property
    def kinds(self) -> frozenset[Kind]:
        """Colours and shapes of its things."""
        return frozenset(thing.kind for thing in self.things)

    @property
    def apart(self) -> bool:
        """Whether it has two things of different kinds."""
        return len(self.things) > 1


def _thing(name: str) -> Thing:
    size, colour, shape = ["", *name.split()][-3:]
    return Thing(colour, shape, size)


def alike_scenes() -> Iterator[Scene]:
    """Every scene of one kind, 270."""
    for (colour, shape), size, count in product(KINDS, SIZES, range(1, len(COUNTS) + 1)):
        yield Scene((Thing(colour, shape, size),), count)


def scenes_apart(sizes: tuple[str, ...]) -> Iterator[Scene]:
    """Every scene of two kinds of these sizes, 3,480 of one size."""
    for (first, second), relation in product(permutations(KINDS, 2), RELATIONS):
        for one, other in product(sizes, repeat=2):
            yield Scene((Thing(*first, one), Thing(*second, other)), relation=relation)


def choose(count: int, seed: int) -> list[Scene]:
    """Return `count` scenes: those of one kind, then others of the middle size in a random order, then of any size."""
    draw, chosen = np.random.default_rng([seed, 0]), [*alike_scenes()]
    for sizes in (("",), SIZES):
        if len(chosen) < count:
            known = {*chosen}
            more = [scene for scene in scenes_apart(sizes) if scene not in known]
            chosen += [more[place] for place in draw.permutation(len(more))]
    return chosen[:count]


def in_styles(scenes: list[Scene], seed: int) -> list[Scene]:
    """As many scenes in styles: those of one kind in each style, and then others, each in one that is drawn."""
    drawn = np.random.default_rng([seed, 2]).integers(len(STYLES), size=len(scenes)).tolist()
    alike = [replace(scene, style=style) for scene in scenes if not scene.apart for style in STYLES]
    apart = [replace(scene, style=STYLES[one]) for scene, one in zip(scenes, drawn, strict=True) if scene.apart]
    return [*alike, *apart][: len(scenes)]


@dataclass(frozen=True)
class Split:
    """Which scenes are held out.

    Parameters
    ----------
    pairs : validation and held-out colours and shapes that no training scene has together
    scenes : validation and held-out pairs of kinds that no training scene has together
    styles : validation and held-out styles, each with a kind that no training scene has in it
    """

    pairs: dict[str, frozenset[Kind]]
    scenes: dict[str, frozenset[frozenset[Kind]]]
    styles: dict[str, frozenset[tuple[str, Kind]]]

    @classmethod
    def of(cls, seed: int) -> Split:
        """Draw one: every unseen pair has a colour of its own and, as far as there are enough, a shape of its own."""
        draw = np.random.default_rng([seed, 1])
        most = sum(UNSEEN_PAIRS.values())
        colours, shapes = draw.permutation(COLOURS)[:most].tolist(), draw.permutation(SHAPES).tolist()
        unseen = [(colour, shapes[place % len(shapes)]) for place, colour in enumerate(colours)]
        pairs, scenes, taken = {}, {}, 0
        for name, number in UNSEEN_PAIRS.items():
            pairs[name] = frozenset(unseen[taken : taken + number])
            taken += number
        seen = [kind for kind in KINDS if kind not in unseen]
        together = [frozenset((one, other)) for place, one in enumerate(seen) for other in seen[:place]]
        order, taken = draw.permutation(len(together)), 0
        for name, share in UNSEEN_SCENES.items():
            number = round(share * len(together))
            scenes[name] = frozenset(together[place] for place in order[taken : taken + number])
            taken += number
        places, styles = np.random.default_rng([seed, 3]).permutation(len(seen)).tolist(), {}
        for name, number in UNSEEN_STYLES.items():
            styles[name] = frozenset((STYLES[place % 2], seen[places.pop()]) for place in range(number))
        return cls(pairs, scenes, styles)

    def part_of(self, scene: Scene) -> str:
        """The part of a scene: train; pair-validation or pair-held-out where a colour and a shape were never together;
        style-validation or style-held-out where a kind never was of the style; scene-validation or scene-held-out where
        two kinds never were together.
        """
        for name in ("held-out", "validation"):
            if scene.kinds & self.pairs[name]:
                return f"pair-{name}"
        for name in ("held-out", "validation"):
            if self.styles[name] & {(scene.style, kind) for kind in scene.kinds}:
                return f"style-{name}"
        for name in ("held-out", "validation"):
            if scene.kinds in self.scenes[name]:
                return f"scene-{name}"
        return TRAIN
