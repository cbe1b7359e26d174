"""The picture that `ola vae-test` shows for each picture: original and reconstructions, each with an error map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

GAP, LINE = 6, 16
# Not white, so that the edge of a white picture shows.
PAPER = (232, 232, 232)
# A column is as wide as its picture, within these: wide enough for a caption, narrow enough for a screen.
NARROWEST, WIDEST, HIGHEST = 260, 640, 900
# Levels of error that show as white.
WHITE_ERROR = 64
STRIP_ROWS = 256


def draw_comparison(original: np.ndarray, title: str, others: Sequence[tuple[str, np.ndarray]]) -> np.ndarray:
    """Draw an original and its reconstructions side by side, below each the absolute error.

    Parameters
    ----------
    original : (H, W, 3) uint8
    title : the original's caption
    others : caption, may be of two lines, and reconstruction (H, W, 3) uint8

    Returns
    -------
    (height, width, 3) uint8; large pictures are made smaller, small ones larger by whole numbers
    """
    from PIL import Image, ImageDraw

    captions = [title, *(caption for caption, _ in others)]
    pictures = [_fitted(original), *(_fitted(picture) for _, picture in others)]
    maps = [_fitted(error_map(picture, original)) for _, picture in others]
    width, height = pictures[0].size
    head = LINE * max(caption.count("\n") + 1 for caption in captions) + 2
    column = max(width, NARROWEST) + GAP
    sheet = Image.new("RGB", (column * len(captions) + GAP, head + 2 * (height + GAP)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (caption, picture) in enumerate(zip(captions, pictures, strict=True)):
        left = GAP + number * column
        # The font that Pillow always has knows few letters.
        draw.multiline_text((left, 1), caption.encode("latin-1", "replace").decode("latin-1"), fill="black", spacing=3)
        sheet.paste(picture, (left, head))
    below = head + height + GAP
    draw.text((GAP, below), f"error, mean of R, G and B: white is {WHITE_ERROR} levels or more", fill="black")
    for number, shown in enumerate(maps, 1):
        sheet.paste(shown, (GAP + number * column, below))
    return np.array(sheet)


def error_map(picture: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Mean absolute error of the three channels as grey, (H, W, 3) uint8: black is none, white `WHITE_ERROR` levels."""
    shown = np.empty_like(original)
    for top in range(0, len(original), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        error = np.abs(picture[rows].astype(np.int16) - original[rows]).mean(-1, dtype=np.float32)
        shown[rows] = np.minimum(np.rint(error * (255 / WHITE_ERROR)), 255)[..., None]
    return shown


def _fitted(picture: np.ndarray) -> Image.Image:
    from PIL import Image

    height, width, _ = picture.shape
    image = Image.fromarray(picture)
    if width > WIDEST or height > HIGHEST:
        shrink = min(WIDEST / width, HIGHEST / height)
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        return image.resize(size, Image.Resampling.BOX)
    times = max(1, min(NARROWEST // width, NARROWEST // height))
    return image.resize((width * times, height * times), Image.Resampling.NEAREST)
