"""What a reconstructed picture is worth beside its original."""

from __future__ import annotations

import numpy as np

from olacore.errors import ShapeError
from olacore.quality.metrics import TINY
from olacore.quality.pictures.haarpsi import haarpsi
from olacore.quality.pictures.ssim import ssim_and_ms_ssim
from olacore.quality.psnr import psnr_from_error

STRIP_ROWS = 256
Figures = dict[str, float | None]


def picture_figures(picture: np.ndarray, original: np.ndarray) -> Figures:
    """Compare two pictures (H, W, 3), levels 0 to 255.

    Returns
    -------
    psnr : dB, over all levels of the three channels, at most 100
    ssim, ms_ssim, haarpsi : see `olacore.quality.pictures.ssim` and `haarpsi`; None where the picture is too small
    l2 : squared error over the variance of the original about the mean of each of its channels
    cosine, cosine_centered : of levels in [-1, 1], and after the original's means were taken from both
    The last three are None where they are not defined: the original, or what is left of it, is all zero.

    Raises
    ------
    ShapeError  if they are of different sizes or no pictures
    """
    if picture.shape != original.shape or picture.ndim != 3 or picture.shape[-1] != 3 or 0 in picture.shape:
        raise ShapeError(f"two pictures (H, W, 3) of one size are compared; got {picture.shape} and {original.shape}.")
    squared, l2, cosine, centered = _sums(picture, original)
    ssim, ms_ssim = ssim_and_ms_ssim(picture, original)
    return {
        "psnr": float(psnr_from_error(squared / original.size, 2.0)),
        "ssim": ssim,
        "ms_ssim": ms_ssim,
        "haarpsi": haarpsi(picture, original),
        "l2": l2,
        "cosine": cosine,
        "cosine_centered": centered,
    }


def mean_figures(figures: list[Figures]) -> Figures:
    """Mean of each figure over the pictures that it is defined for; None where there are none."""
    values = {name: [each[name] for each in figures if each[name] is not None] for name in figures[0]}
    return {name: float(np.mean(np.array(known, float))) if known else None for name, known in values.items()}


def _sums(picture: np.ndarray, original: np.ndarray) -> tuple[float, float | None, float | None, float | None]:
    """Squared error, L2 and both cosines, of levels in [-1, 1], strip by strip."""
    pixels = original.shape[0] * original.shape[1]
    ours, theirs = np.zeros(3), np.zeros(3)
    squared, ours_squared, theirs_squared, product = np.zeros((4, 3))
    for top in range(0, len(original), STRIP_ROWS):
        x, y = (part[top : top + STRIP_ROWS].reshape(-1, 3) / 127.5 - 1 for part in (picture, original))
        ours += x.sum(0)
        theirs += y.sum(0)
        squared += ((x - y) ** 2).sum(0)
        ours_squared += (x * x).sum(0)
        theirs_squared += (y * y).sum(0)
        product += (x * y).sum(0)
    mean = theirs / pixels
    variance = float((theirs_squared - pixels * mean**2).sum())
    ours_about = float((ours_squared - 2 * mean * ours + pixels * mean**2).sum())
    product_about = float((product - mean * ours).sum())
    flat = variance <= TINY * original.size
    return (
        float(squared.sum()),
        None if flat else float(squared.sum()) / variance,
        _cosine(float(product.sum()), float(ours_squared.sum()), float(theirs_squared.sum())),
        None if flat else _cosine(product_about, ours_about, variance),
    )


def _cosine(product: float, ours: float, theirs: float) -> float | None:
    size = float(np.sqrt(max(ours, 0.0) * max(theirs, 0.0)))
    return product / size if size > TINY else None
