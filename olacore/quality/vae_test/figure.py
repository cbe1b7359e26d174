"""The picture that `ola vae-test` shows for each picture: original and reconstructions, each with an error map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from olacore.media.canvas import caption, fit, grid

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
    note = caption(f"error, mean of R, G and B:\nwhite is {WHITE_ERROR} levels or more", NARROWEST, 2)
    shown = [_fitted(original), *(_fitted(picture) for _, picture in others)]
    errors = [note, *(_fitted(error_map(picture, original)) for _, picture in others)]
    return grid([shown, errors], [title, *(name for name, _ in others)], least=NARROWEST)


def error_map(picture: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Mean absolute error of the three channels as grey, (H, W, 3) uint8: black is none, white `WHITE_ERROR` levels."""
    shown = np.empty_like(original)
    for top in range(0, len(original), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        error = np.abs(picture[rows].astype(np.int16) - original[rows]).mean(-1, dtype=np.float32)
        shown[rows] = np.minimum(np.rint(error * (255 / WHITE_ERROR)), 255)[..., None]
    return shown


def _fitted(picture: np.ndarray) -> np.ndarray:
    height, width, _ = picture.shape
    if width > WIDEST or height > HIGHEST:
        return fit(picture, WIDEST, HIGHEST, smooth=False)
    times = max(1, min(NARROWEST // width, NARROWEST // height))
    return picture.repeat(times, 0).repeat(times, 1)
