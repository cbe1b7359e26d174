"""HaarPSI, a perceptual similarity without learnt weights.

Reisenhofer, Bosse, Kutyniok and Wiegand 2018, "A Haar wavelet-based perceptual similarity index for image quality
assessment", arXiv:1607.06140, with its constants. In colour (YIQ), on the picture at half size; beyond the edges lies
zero, as in the authors' programs.
"""

from __future__ import annotations

import numpy as np

# C and alpha of the paper; C is not squared.
STABLE, STEEPNESS = 30.0, 4.2
TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
# Sides of the wavelets: the first two compare, the third weighs.
SIDES = (2, 4, 8)
BEFORE, AFTER = SIDES[-1] // 2 - 1, SIDES[-1] // 2
STRIP_ROWS = 96


def haarpsi(picture: np.ndarray, original: np.ndarray) -> float:
    """Similarity of two pictures (H, W, 3), levels 0 to 255, between 0 and 1; equal ones have 1."""
    x, y = _halved_yiq(picture), _halved_yiq(original)
    height = x.shape[0] - BEFORE - AFTER
    weighted = total = plain = 0.0
    count = 0
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, min(top + STRIP_ROWS, height) + BEFORE + AFTER)
        similarity, weight = _compare(x[rows], y[rows])
        weighted += float((similarity * weight).sum())
        total += float(weight.sum())
        plain += float(similarity.sum())
        count += similarity.size
    # Where neither picture has any edge, no place weighs more than another.
    score = weighted / total if total else plain / count
    return float((np.log(score / (1 - score)) / STEEPNESS) ** 2)


def _halved_yiq(picture: np.ndarray) -> np.ndarray:
    """Means of blocks of 2 x 2 pixels as YIQ with a border of zeros, (h, w, 3) float32; zeros fill an odd side up."""
    height, width = (-(-side // 2) for side in picture.shape[:2])
    out = np.zeros((height + BEFORE + AFTER, width + BEFORE + AFTER, 3), np.float32)
    for top in range(0, height, STRIP_ROWS):
        rows = picture[2 * top : 2 * (top + STRIP_ROWS)].astype(np.float64)
        rows = np.pad(rows, ((0, len(rows) % 2), (0, rows.shape[1] % 2), (0, 0)))
        small = rows[::2, ::2] + rows[1::2, ::2] + rows[::2, 1::2] + rows[1::2, 1::2]
        place = slice(BEFORE + top, BEFORE + top + len(small))
        out[place, BEFORE : BEFORE + width] = small @ (TO_YIQ.T / 4)
    return out


def _compare(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Similarity and weight of a strip for edges along both axes and for colour: (3, h, w) each."""
    edges = [_edges(picture[..., 0].astype(np.float64)) for picture in (x, y)]
    similarity, weight = [], []
    for first, second in zip(*edges, strict=True):
        similarity.append((_similar(first[0], second[0]) + _similar(first[1], second[1])) / 2)
        weight.append(np.maximum(first[2], second[2]))
    colours = [_colours(picture[..., 1:].astype(np.float64)) for picture in (x, y)]
    similarity.append(_similar(*colours).mean(-1))
    weight.append((weight[0] + weight[1]) / 2)
    return 1 / (1 + np.exp(-STEEPNESS * np.array(similarity))), np.array(weight)


def _edges(luma: np.ndarray) -> list[list[np.ndarray]]:
    """Sizes of the Haar coefficients of a strip with its border: along each axis, for each side in `SIDES`."""
    sums = np.zeros((luma.shape[0] + 1, luma.shape[1] + 1))
    luma.cumsum(0).cumsum(1, out=sums[1:, 1:])
    found: list[list[np.ndarray]] = [[], []]
    for side in SIDES:
        half = side // 2
        for axis, sizes in enumerate(((half, side), (side, half))):
            first = BEFORE - (half - 1)
            one = _box(sums, first, first, *sizes)
            other = _box(sums, first + half * (axis == 0), first + half * (axis == 1), *sizes)
            found[axis].append(np.abs(one - other) / side)
    return found


def _box(sums: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """Sums over boxes of a size whose corner lies at (top, left) from each pixel of the strip."""
    rows, columns = (size - 1 - BEFORE - AFTER for size in sums.shape)
    upper, lower = sums[top : top + rows], sums[top + height : top + height + rows]
    right = left + width
    return (
        lower[:, right : right + columns]
        - upper[:, right : right + columns]
        - lower[:, left : left + columns]
        + upper[:, left : left + columns]
    )


def _colours(chroma: np.ndarray) -> np.ndarray:
    """Sizes of the means of 2 x 2 pixels of a strip with its border, each pixel the first of them."""
    rows, columns = slice(BEFORE, -AFTER), slice(BEFORE, -AFTER)
    below, right = slice(BEFORE + 1, 1 - AFTER or None), slice(BEFORE + 1, 1 - AFTER or None)
    return np.abs(chroma[rows, columns] + chroma[below, columns] + chroma[rows, right] + chroma[below, right]) / 4


def _similar(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (2 * a * b + STABLE) / (a * a + b * b + STABLE)
