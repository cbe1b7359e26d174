"""SSIM and MS-SSIM of whole pictures.

Wang, Bovik, Sheikh and Simoncelli 2004, "Image quality assessment: from error visibility to structural similarity";
Wang, Simoncelli and Bovik 2003, "Multiscale structural similarity for image quality assessment". Gaussian window of
11 x 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, on levels 0 to 255 of each of R, G and B, only where the whole
window lies inside the picture, averaged. Between scales, blocks of 2 x 2 pixels become their mean; an odd last row or
column is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

WINDOW, SIGMA = 11, 1.5
STABLE_MEAN, STABLE_SPREAD = (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALE_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])
# At the coarsest of the five scales the window still has to fit.
LEAST_SIDE = WINDOW << (len(SCALE_WEIGHTS) - 1)
# Few enough that a strip of a wide picture stays in the cache, many enough to outweigh the ten rows it shares.
STRIP_ROWS = 24


def ssim(picture: np.ndarray, original: np.ndarray) -> float | None:
    """Structural similarity of two pictures (H, W, 3), levels 0 to 255; None if a side is under 11 pixels."""
    return ssim_and_ms_ssim(picture, original, scales=1)[0]


def ms_ssim(picture: np.ndarray, original: np.ndarray) -> float | None:
    """Multi-scale structural similarity of two pictures (H, W, 3), levels 0 to 255.

    It is defined by five scales, so it is None if a side is under 176 pixels: fewer scales would be another measure.
    """
    return ssim_and_ms_ssim(picture, original)[1]


def ssim_and_ms_ssim(
    picture: np.ndarray, original: np.ndarray, scales: int = len(SCALE_WEIGHTS)
) -> tuple[float | None, float | None]:
    """SSIM and MS-SSIM in one go, each None where the picture is too small for it or, for MS-SSIM, `scales` too few."""
    similar, contrast = [], []
    for x, y in _pyramid(picture, original, scales):
        both = _mean_similarities(x, y)
        similar.append(both[0])
        contrast.append(both[1])
    first = float(similar[0].mean()) if similar else None
    if len(similar) < len(SCALE_WEIGHTS):
        return first, None
    # A contrast that turned into its negative has no root: it counts as none at all.
    factors = np.maximum([*contrast[:-1], similar[-1]], 0)
    return first, float((factors ** SCALE_WEIGHTS[:, None]).prod(0).mean())


def _pyramid(x: np.ndarray, y: np.ndarray, scales: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The pictures at up to `scales` scales, as long as the window fits."""
    if min(x.shape[:2]) < LEAST_SIDE:
        scales = 1
    for scale in range(scales):
        if min(x.shape[:2]) < WINDOW:
            return
        yield x, y
        if scale + 1 < scales:
            x, y = halve(x), halve(y)


def halve(picture: np.ndarray) -> np.ndarray:
    """Means of blocks of 2 x 2 pixels, as float32: exact for levels that are whole numbers, through all scales."""
    height, width = (side // 2 for side in picture.shape[:2])
    rows = picture[: 2 * height : 2, : 2 * width].astype(np.float32)
    rows += picture[1 : 2 * height : 2, : 2 * width]
    return (rows[:, ::2] + rows[:, 1::2]) * np.float32(0.25)


def _mean_similarities(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM, and its part that compares contrast and structure, of each channel: (3,) each."""
    height, width = x.shape[0] - WINDOW + 1, x.shape[1] - WINDOW + 1
    similar, contrast = np.zeros(3), np.zeros(3)
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, min(top + STRIP_ROWS, height) + WINDOW - 1)
        a, b = (picture[rows].reshape(rows.stop - top, -1).astype(np.float64) for picture in (x, y))
        mean_a, mean_b = _blur(a), _blur(b)
        square, product = mean_a**2 + mean_b**2, mean_a * mean_b
        spread = _blur(a * a + b * b) - square + STABLE_SPREAD
        part = (2 * (_blur(a * b) - product) + STABLE_SPREAD) / spread
        contrast += part.reshape(-1, 3).sum(0)
        part *= (2 * product + STABLE_MEAN) / (square + STABLE_MEAN)
        similar += part.reshape(-1, 3).sum(0)
    return similar / (height * width), contrast / (height * width)


def _blur(rows: np.ndarray) -> np.ndarray:
    """Gaussian means of pictures (h, 3 w), three channels a pixel, where the window fits: (h - 10, 3 w - 30)."""
    half = WINDOW // 2
    taps = np.exp(-0.5 * (np.arange(WINDOW) - half) ** 2 / SIGMA**2)
    taps /= taps.sum()
    for axis, step in ((0, 1), (1, 3)):
        size = rows.shape[axis] - step * (WINDOW - 1)

        def shifted(tap: int, rows: np.ndarray = rows, axis: int = axis, step: int = step, size: int = size):
            part = slice(step * tap, step * tap + size)
            return rows[part] if axis == 0 else rows[:, part]

        blurred = taps[half] * shifted(half)
        for tap in range(half):
            pair = shifted(tap) + shifted(WINDOW - 1 - tap)
            pair *= taps[tap]
            blurred += pair
        rows = blurred
    return rows
