"""Games to look at: pictures of a board, films of a game, and lines of text for a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from olacore.play.snake import Snake

# Pixels of a cell, and colours of paper, board, body, head and food.
CELL = 12
PAPER, BOARD, BODY, HEAD, FOOD = ((24, 26, 32), (36, 39, 48), (88, 166, 96), (172, 226, 120), (232, 88, 80))
MOST_FRAMES = 4000
# Milliseconds of a frame.
FRAME_MS = 40


def cells_of(game: Snake) -> np.ndarray:
    """What each cell holds, (size, size) uint8: 0 nothing, 1 body, 2 head, 3 food."""
    cells = np.zeros((game.size, game.size), np.uint8)
    for place in game.body:
        cells[place] = 1
    cells[game.body[-1]] = 2
    if game.food is not None:
        cells[game.food] = 3
    return cells


def picture_of(game: Snake) -> np.ndarray:
    """A picture (H, W, 3) uint8 of the board; parts of the body that follow each other are joined."""
    side = game.size * CELL
    picture = np.full((side, side, 3), BOARD, np.uint8)
    picture[::CELL] = picture[:, ::CELL] = PAPER

    def paint(place: tuple[int, int], colour: tuple[int, int, int], other: tuple[int, int] | None = None) -> None:
        (top, left), (bottom, right) = sorted((place, other or place))
        picture[top * CELL + 2 : bottom * CELL + CELL - 1, left * CELL + 2 : right * CELL + CELL - 1] = colour

    body = list(game.body)
    for one, other in pairwise(body):
        paint(one, BODY, other)
    paint(body[-1], HEAD)
    if game.food is not None:
        paint(game.food, FOOD)
    return picture


def played(game: Snake, choose: Callable[[np.ndarray], int]) -> Iterator[Snake]:
    """The game before each move and at its end, with moves that a player chooses from what it sees."""
    while not game.over:
        yield game
        game.step(choose(game.observe()))
    yield game


def film(game: Snake, choose: Callable[[np.ndarray], int]) -> bytes:
    """An animated GIF of a game; of a long one every second, third ... frame."""
    from PIL import Image

    frames = [picture_of(state) for state in played(game, choose)]
    frames = frames[:: -(-len(frames) // MOST_FRAMES)]
    palette = Image.fromarray(np.array([[PAPER, BOARD, BODY, HEAD, FOOD]], np.uint8)).quantize(5)
    pictures = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    content = io.BytesIO()
    pictures[0].save(content, "GIF", save_all=True, append_images=pictures[1:], duration=FRAME_MS, loop=0)
    return content.getvalue()
