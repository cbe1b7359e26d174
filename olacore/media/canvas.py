"""Sheets of pictures and text: captions, cells, rows, grids.

A part of a sheet is an array (h, w, 3) uint8, and so is the sheet. Pillow is imported only when text is drawn or a
picture resized.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import ImageFont

# Pixels between the parts of a sheet, and of a line of text in which letters are `LETTERS` high.
GAP, LINE, LETTERS = 6, 16, 11
# Not white, so that the edge of a white picture shows.
PAPER = (232, 232, 232)
# Before a line, so that an Arabic or Hebrew name turns round itself and not the words around it.
LEFT_TO_RIGHT = "\u200e"


def caption(text: str, width: int, lines: int = 1) -> np.ndarray:
    """Draw text of so many lines.

    Parameters
    ----------
    text : anything; line breaks beyond the last line are blanks, letters that the font lacks are boxes, and of what
        is too long the middle is left out
    width : of the result in pixels

    Returns
    -------
    (lines * LINE, width, 3) uint8
    """
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (width, lines * LINE), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, line in enumerate(text.split("\n", lines - 1)):
        # Any character that ends a paragraph, a name may hold one, stops Pillow's layout of text.
        shown = shortened(" ".join(line.splitlines()), width)
        draw.text((0, number * LINE + 1), LEFT_TO_RIGHT + shown, fill="black", font=_font())
    return np.array(sheet)


def shortened(line: str, width: int) -> str:
    """Leave out as much of the middle of a line as it takes to draw it within a width."""
    kept, shown = min(len(line), width), line
    while kept and (len(shown) > width or _font().getlength(shown) > width):
        kept -= 1
        shown = line[: kept - kept // 2] + "…" + line[len(line) - kept // 2 :]
    return shown


def fit(picture: np.ndarray, width: int, height: int, smooth: bool = True) -> np.ndarray:
    """Make a picture as large as a box allows, in its own shape.

    Parameters
    ----------
    smooth : resize with a Lanczos filter; without it pixels stay squares, or become means of areas
    """
    from PIL import Image

    grow = min(width / picture.shape[1], height / picture.shape[0])
    size = max(1, round(picture.shape[1] * grow)), max(1, round(picture.shape[0] * grow))
    sharp = Image.Resampling.NEAREST if grow > 1 else Image.Resampling.BOX
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS if smooth else sharp))


def padded(part: np.ndarray, width: int = 0, height: int = 0) -> np.ndarray:
    """Put a part on paper of at least this size, at its upper left."""
    sheet = np.full((max(height, len(part)), max(width, part.shape[1]), 3), PAPER, np.uint8)
    sheet[: len(part), : part.shape[1]] = part
    return sheet


def beside(parts: Sequence[np.ndarray], gap: int = GAP) -> np.ndarray:
    """Put parts beside each other, their upper edges in one line."""
    height = max(len(part) for part in parts)
    spaced = [padded(part, part.shape[1] + gap, height) for part in parts]
    return np.concatenate([*spaced[:-1], padded(parts[-1], height=height)], 1)


def below(parts: Sequence[np.ndarray], gap: int = GAP) -> np.ndarray:
    """Put parts below each other, their left edges in one line."""
    width = max(part.shape[1] for part in parts)
    spaced = [padded(part, width, len(part) + gap) for part in parts]
    return np.concatenate([*spaced[:-1], padded(parts[-1], width)], 0)


def framed(part: np.ndarray) -> np.ndarray:
    """Put a margin around a part."""
    height, width, _ = part.shape
    sheet = padded(part[:0], width + 2 * GAP, height + 2 * GAP)
    sheet[GAP:-GAP, GAP:-GAP] = part
    return sheet


def grid(
    rows: Sequence[Sequence[np.ndarray]],
    titles: Sequence[str] = (),
    labels: Sequence[str] = (),
    least: int = 0,
) -> np.ndarray:
    """Lay pictures out in rows and columns, in a margin.

    Parameters
    ----------
    rows : pictures (h, w, 3) uint8, equally many in each row
    titles : one above each column, of any number of lines, or none
    labels : one above each row, of one line, or none
    least : width of a column in pixels, at least
    """
    widths = [max(least, *(picture.shape[1] for picture in column)) for column in zip(*rows, strict=True)]
    lines = []
    for number, row in enumerate(rows):
        line = beside([padded(picture, width) for picture, width in zip(row, widths, strict=True)])
        lines.append(below([caption(labels[number], line.shape[1]), line], 0) if labels else line)
    if titles:
        deep = max(title.count("\n") + 1 for title in titles)
        head = beside([caption(title, width, deep) for title, width in zip(titles, widths, strict=True)])
        lines[0] = below([head, lines[0]], 0)
    return framed(below(lines))


@lru_cache
def _font() -> ImageFont.FreeTypeFont:
    """The font that matplotlib brings along: Pillow's own has Latin letters only, and not all of them."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", LETTERS)
