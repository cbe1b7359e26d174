"""Drawing scenes: plain colours on white, with smooth edges.

Outlines are in units of a thing's radius, with their centre of area at (0, 0); x goes right and y goes down.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from bench.drawn.scenes import OUTLINED, RELATIONS, SIZES, Scene, Thing

WHITE = 255
PALETTE = {
    "red": (220, 30, 40),
    "yellow": (250, 205, 20),
    "green": (30, 160, 60),
    "blue": (40, 90, 225),
    "purple": (150, 50, 190),
    "black": (25, 25, 30),
}
# Radii by size, and the places of one, two and three things alike, in shares of the picture's side.
RADII = dict(zip(SIZES, (0.115, 0.165, 0.22), strict=True))
PLACES = (((0.5, 0.5),), ((0.25, 0.5), (0.75, 0.5)), ((0.5, 0.26), (0.25, 0.73), (0.75, 0.73)))
# The white inside of a thing that is outlined, over its radius.
HOLLOW = 0.4
# How far a thing of two kinds is from the middle.
ASIDE = 0.25
# Points along a pixel's side.
FINE = 8
CORNERS = 96


@cache
def outline(shape: str) -> np.ndarray:
    """The corners of a shape, (n, 2), around its centre of area."""
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    if shape == "circle":
        corners = np.stack([np.sin(turn), -np.cos(turn)], 1)
    elif shape == "square":
        corners = 0.9 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    elif shape == "triangle":
        corners = 1.25 * np.stack([np.sin(turn), -np.cos(turn)], 1)[:: CORNERS // 3]
    elif shape == "star":
        points = np.arange(10) * np.pi / 5
        reach = np.where(np.arange(10) % 2, 0.48, 1.12)
        corners = np.stack([reach * np.sin(points), -reach * np.cos(points)], 1)
    else:
        high = 13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)
        corners = np.stack([16 * np.sin(turn) ** 3, -high], 1) / 15
    following = np.roll(corners, -1, 0)
    cross = corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]
    return np.asarray(corners - ((corners + following) * cross[:, None]).sum(0) / (3 * cross.sum()))


@cache
def area(shape: str, style: str = "") -> float:
    """The area that a shape of radius 1 covers in a style."""
    corners = outline(shape)
    following = np.roll(corners, -1, 0)
    whole = abs(float((corners[:, 0] * following[:, 1] - corners[:, 1] * following[:, 0]).sum())) / 2
    return whole * (1 - HOLLOW**2) if style == OUTLINED else whole


def coverage(shape: str, x: float, y: float, radius: float, height: int, width: int, style: str = "") -> np.ndarray:
    """How much of each pixel a shape covers in a style, (height, width) float32 in [0, 1].

    Parameters
    ----------
    x, y : of its centre, in pixels
    radius : in pixels
    """
    fine = Image.new("L", (width * FINE, height * FINE))
    corners = (np.array([x, y]) + radius * outline(shape)) * FINE
    ImageDraw.Draw(fine).polygon([*map(tuple, corners.tolist())], fill=WHITE)
    whole = np.asarray(fine.reduce(FINE), np.float32) / np.float32(WHITE)
    return whole - coverage(shape, x, y, HOLLOW * radius, height, width) if style == OUTLINED else whole


def placed(scene: Scene) -> list[tuple[Thing, float, float]]:
    """The things of a scene, each with x and y of its centre in shares of the side."""
    if scene.relation is None:
        return [(scene.things[0], x, y) for x, y in PLACES[scene.count - 1]]
    right, down = RELATIONS[scene.relation]
    return [
        (thing, 0.5 + way * ASIDE * right, 0.5 + way * ASIDE * down)
        for thing, way in zip(scene.things, (1, -1), strict=True)
    ]


def draw(scene: Scene, side: int) -> np.ndarray:
    """Draw a scene, (side, side, 3) uint8."""
    picture = np.full((side, side, 3), WHITE, np.float32)
    for thing, x, y in placed(scene):
        radius = RADII[thing.size] * side
        covered = coverage(thing.shape, x * side, y * side, radius, side, side, scene.style)[:, :, None]
        picture += covered * (np.array(PALETTE[thing.colour], np.float32) - picture)
    return np.rint(picture).astype(np.uint8)
