"""Pictures as `data:` addresses, small enough for a page that holds dozens of them."""

from __future__ import annotations

import base64
import io

import numpy as np

from olacore.media.canvas import fit
from olacore.reports.parts import Picture

# Pixels along the longer side at most, and the quality of WebP: no fault of a module's is hidden by it.
LARGEST, QUALITY = 384, 92
# Pictures below this side are kept without loss and enlarged as squares.
SMALL = 96


def picture(pixels: np.ndarray, alt: str, note: str = "", largest: int = LARGEST) -> Picture:
    """Put a picture (H, W, 3) uint8 into a page.

    Parameters
    ----------
    alt : what it shows
    note : below it
    largest : pixels along its longer side; larger ones are made smaller
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    if max(height, width) > largest:
        pixels = fit(pixels, largest, largest, smooth=True)
    small = max(height, width) <= SMALL
    content = io.BytesIO()
    kept = {"lossless": True} if small else {"quality": QUALITY}
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "webp", method=4, **kept)
    source = f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
    return Picture(source, alt, note, pixels.shape[1], pixels.shape[0], small)


def grey(shares: np.ndarray) -> np.ndarray:
    """Numbers (H, W) from 0, black, to 1 or more, white, as (H, W, 3) uint8."""
    levels = np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, -1)
