"""Peak signal-to-noise ratio, in dB."""

from __future__ import annotations

from typing import Any

import numpy as np

# Equal pictures have no finite ratio. They count as this: more than nearly all that differ reach in 8 bits, and not so
# much that a mean over several pictures would say nothing about the others.
HIGHEST = 100.0
# Far below any error that counts, so that no division by zero happens.
NO_ERROR = 1e-30


def psnr(pictures: np.ndarray, originals: np.ndarray) -> float:
    """PSNR over all levels of two arrays of one shape, 0 to 255, at most 100 dB."""
    return float(psnr_from_error(((pictures.astype(np.float64) - originals) ** 2).mean(), 255.0))


def mean_psnr(pictures: np.ndarray, originals: np.ndarray) -> float:
    """Mean over pictures (m, H, W, 3) uint8 of the PSNR of each."""
    return float(np.mean([psnr(one, other) for one, other in zip(pictures, originals, strict=True)]))


def psnr_from_error(error: Any, span: float) -> Any:
    """PSNR of mean squared errors, at most 100 dB.

    Parameters
    ----------
    error : a number or an array; NaN stays NaN
    span : from the lowest to the highest value that a level may have: 255, or 2 for levels in [-1, 1]
    """
    return np.minimum(10 * np.log10(span**2 / np.maximum(error, NO_ERROR)), HIGHEST)
