"""Figures of quality, summed item by item so that memory stays flat."""

from __future__ import annotations

import numpy as np

from olacore.quality.psnr import psnr_from_error

TINY = 1e-12


class Metrics:
    """Sums over items (pictures, or rows of plain pairs) from which every figure follows.

    Parameters
    ----------
    mean : (out,) the training mean of each target, which centred figures are measured from
    pixels : whether targets are pixels in [-1, 1], so that PSNR makes sense
    """

    def __init__(self, mean: np.ndarray, pixels: bool) -> None:
        self.mean = mean.astype(np.float64)[:, None]
        self.pixels = pixels
        self.rows = self.items = 0
        self.squared = self.total = np.zeros(len(mean))
        self.cosine = self.cosine_centered = self.psnr = 0.0

    def add(self, predicted: np.ndarray, target: np.ndarray, items: int = 1) -> None:
        """Count some items of equally many rows: predictions and targets (out, n), item after item, in the scale of
        the data.
        """
        if self.pixels:
            predicted = np.clip(predicted, -1, 1)
        guess, truth = predicted.astype(np.float64), target.astype(np.float64)
        error = guess - truth
        self.rows += truth.shape[1]
        self.items += items
        self.squared = self.squared + (error**2).sum(1)
        self.total = self.total + ((truth - self.mean) ** 2).sum(1)
        self.cosine += float(cosines(guess, truth, items).sum())
        self.cosine_centered += float(cosines(guess - self.mean, truth - self.mean, items).sum())
        if self.pixels:
            self.psnr += float(psnr_from_error(split_items(error**2, items).mean((0, 2)), 2.0).sum())

    def figures(self) -> dict[str, float | list[float]]:
        """Return loss, r2, r2 of each output where they are few, l2, cosine, cosine_centered and, for pixels, psnr in
        dB.

        `loss` is the mean squared error in the units of the targets; `l2` is the squared error over the targets'
        variance about the training mean, so `r2` is 1 - `l2`; cosines are means over items.
        """
        l2 = float(self.squared.sum() / max(float(self.total.sum()), TINY))
        figures: dict[str, float | list[float]] = {
            "loss": float(self.squared.sum()) / (self.rows * len(self.mean)),
            "r2": 1 - l2,
            "l2": l2,
            "cosine": self.cosine / self.items,
            "cosine_centered": self.cosine_centered / self.items,
        }
        if len(self.mean) <= 64:
            figures["r2_each"] = [float(v) for v in 1 - self.squared / np.maximum(self.total, TINY)]
        if self.pixels:
            figures["psnr"] = self.psnr / self.items
        return figures


def split_items(rows: np.ndarray, items: int) -> np.ndarray:
    """View rows (out, n) as (out, items, n / items)."""
    return rows.reshape(len(rows), items, -1)


def cosines(a: np.ndarray, b: np.ndarray, items: int) -> np.ndarray:
    """Cosine of the angle between two arrays (out, n) for each item, seen as one vector; 0 where a vector is zero."""
    u, v = split_items(a, items), split_items(b, items)
    size = np.sqrt((u**2).sum((0, 2)) * (v**2).sum((0, 2)))
    return np.where(size > TINY, (u * v).sum((0, 2)) / np.maximum(size, TINY), 0.0)
