"""Reading a picture of the drawn set from its pixels alone: which things it shows, how large, and where.

A pixel belongs to the colour along whose line from white it lies, where it is covered by half or more. Pixels of one
colour that touch are a patch. A patch is a thing if its pixels have its colour, and it covers what one of the shapes
covers, drawn anew at the same place and as large; otherwise it is *unclear*, as patches of blurred, grey or mixed
pictures are. Nothing is read from the caption. In pictures of a set with styles a shape may be outlined too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from bench.drawn.pictures import PALETTE, RADII, WHITE, area, coverage
from bench.drawn.scenes import COLOURS, FILLED, RELATIONS, SHAPES, SIZES, Scene, Thing
from olacore.errors import ShapeError

# Coverage from which a pixel belongs to a patch.
COVERED = 0.5
# Grey levels that a pixel may be away from the line of its colour.
OFF_LINE = 75.0
# How far a patch may be from its colour on average: half the least distance of two, so that no other is as near.
OFF_COLOUR = min(math.dist(one, other) for one, other in combinations(PALETTE.values(), 2)) / 2
# A patch's coverage may differ from that of a shape by this share of the shape's area.
MISFIT = 0.3
# Patches below this share of the smallest thing's area are specks, which may cover so much of it together.
SPECK, SPECKS = 0.25, 0.5
# How far the middle of a thing may be aside of where a relation has it, over how far it is along the relation.
ASIDE = 0.5


@dataclass(frozen=True)
class Seen:
    """A thing in a picture: x and y of its centre and its radius, in shares of the side."""

    colour: str
    shape: str
    x: float
    y: float
    radius: float
    style: str = FILLED

    @property
    def thing(self) -> Thing:
        """With the size that is nearest."""
        size = min(SIZES, key=lambda name: abs(np.log(self.radius / RADII[name])))
        return Thing(self.colour, self.shape, size)


@dataclass(frozen=True)
class Reading:
    """What a picture shows: the things that are clear, and how many patches are not."""

    seen: tuple[Seen, ...]
    unclear: int = 0


@dataclass(frozen=True)
class Verdict:
    """What of a caption a picture shows.

    Parameters
    ----------
    bound : the colours and shapes that the caption names, together as it says, and no others
    count : as many of each
    size : of each thing
    place : of two things, the first lies to the second as the caption says; of alike things, always
    style : all of it is bound and in the style that the caption says; where it says none, always
    """

    bound: bool
    count: bool
    size: bool
    place: bool
    style: bool = True

    @property
    def all(self) -> bool:
        """Everything that the caption says."""
        return self.bound and self.count and self.size and self.place and self.style


def read_picture(picture: np.ndarray, styles: Sequence[str] = (FILLED,)) -> Reading:
    """Read a picture.

    Parameters
    ----------
    picture : (side, side, 3) uint8
    styles : that things may be in

    Raises
    ------
    ShapeError  if it is none
    """
    if picture.ndim != 3 or picture.shape[0] != picture.shape[1] or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise ShapeError(f"a drawn picture must be (side, side, 3) uint8; got {picture.dtype} {picture.shape}.")
    side = len(picture)
    ink = WHITE - picture.astype(np.float32)
    lines = WHITE - np.array([PALETTE[colour] for colour in COLOURS], np.float32)
    # How much of each colour would be nearest to a pixel, and how far it is away then.
    amounts = (ink @ lines.T) / np.square(lines).sum(1)
    off = np.linalg.norm(ink[:, :, None] - amounts[..., None] * lines, axis=3)
    colours = off.argmin(2)
    best = off.min(2)
    amount = np.take_along_axis(amounts, colours[:, :, None], 2)[:, :, 0]
    labels = np.where((amount >= COVERED) & (best <= OFF_LINE), colours, -1)
    strange = (amount >= COVERED) & (labels < 0)
    smallest = min(area(shape) for shape in SHAPES) * (min(RADII.values()) * side) ** 2
    seen, unclear, specks = [], 0, float(strange.sum())
    for colour, patch in patches(labels):
        if patch.sum() < SPECK * smallest:
            specks += float(patch.sum())
        elif found := _thing_of(picture, colour, patch, np.clip(amounts[:, :, colour], 0, 1), styles):
            seen.append(found)
        else:
            unclear += 1
    return Reading(tuple(seen), unclear + (specks > SPECKS * smallest))


def patches(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Pixels of one label from 0 on that touch along a side: the label and a mask of each patch."""
    # A frame, so that no pixel has a neighbour on the other side.
    framed = np.pad(labels, 1, constant_values=-1)
    flat, across = framed.ravel().tolist(), framed.shape[1]
    left = {place for place, label in enumerate(flat) if label >= 0}
    while left:
        reached = [left.pop()]
        label = flat[reached[0]]
        for place in reached:
            for other in (place - across, place - 1, place + 1, place + across):
                if other in left and flat[other] == label:
                    left.remove(other)
                    reached.append(other)
        patch = np.zeros(framed.size, bool)
        patch[reached] = True
        yield label, patch.reshape(framed.shape)[1:-1, 1:-1]


def widened(patch: np.ndarray) -> np.ndarray:
    """A mask and the pixels around it, corners too."""
    framed = np.pad(patch, 1)
    height, width = patch.shape
    return np.any([framed[y : y + height, x : x + width] for y in range(3) for x in range(3)], 0)


def _thing_of(
    picture: np.ndarray, colour: int, patch: np.ndarray, amount: np.ndarray, styles: Sequence[str]
) -> Seen | None:
    """The thing that a patch of a colour is, or None where it is unclear."""
    name, side = COLOURS[colour], len(picture)
    inside = patch & ~widened(~patch)
    shown = picture[inside if inside.any() else patch].mean(0, dtype=np.float64)
    if np.linalg.norm(shown - PALETTE[name]) > OFF_COLOUR:
        return None
    covered = np.where(widened(patch), amount, 0)
    total = float(covered.sum())
    # Around the patch, as far as a shape of its area may reach.
    rows, columns = (np.flatnonzero(patch.any(axis)) for axis in (1, 0))
    reach = int(np.sqrt(total)) // 2 + 2
    top, left = max(rows[0] - reach, 0), max(columns[0] - reach, 0)
    covered = covered[top : rows[-1] + reach + 1, left : columns[-1] + reach + 1]
    height, width = covered.shape
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    x, y = float(covered.sum(0) @ across) / total, float(covered.sum(1) @ down) / total
    radii = {(shape, style): float(np.sqrt(total / area(shape, style))) for shape, style in product(SHAPES, styles)}
    misfits = {
        (shape, style): float(np.abs(covered - coverage(shape, x, y, radius, height, width, style)).sum()) / total
        for (shape, style), radius in radii.items()
    }
    best = min(misfits, key=misfits.__getitem__)
    if misfits[best] > MISFIT:
        return None
    return Seen(name, best[0], (left + x) / side, (top + y) / side, radii[best] / side, best[1])


def judge(scene: Scene, reading: Reading) -> Verdict:
    """Compare what a picture shows with what its caption says."""
    wanted = [thing for thing in scene.things for _ in range(scene.count)]
    found = [seen.thing for seen in reading.seen]
    bound = not reading.unclear and {thing.kind for thing in found} == scene.kinds
    count = bound and sorted(thing.kind for thing in found) == sorted(thing.kind for thing in wanted)
    size = count and sorted(found) == sorted(wanted)
    style = not scene.style or (bound and {seen.style for seen in reading.seen} == {scene.style})
    return Verdict(bound, count, size, count and _lies(scene, reading.seen), style)


def _lies(scene: Scene, seen: tuple[Seen, ...]) -> bool:
    """Whether the first of two things lies to the second as a scene says."""
    if scene.relation is None:
        return True
    first, second = (next(one for one in seen if (one.colour, one.shape) == thing.kind) for thing in scene.things)
    right, down = RELATIONS[scene.relation]
    across, along = second.x - first.x, second.y - first.y
    towards = -(across * right + along * down)
    return towards > 0 and abs(across * down) + abs(along * right) <= ASIDE * towards
