"""How near an encoder's latents come to a teacher's, summed picture by picture so that memory stays flat."""

from __future__ import annotations

from typing import Any

import numpy as np

from olacore.errors import ShapeError
from olacore.quality.metrics import TINY


class LatentAgreement:
    """Sums over pictures, for each channel, from which every figure follows."""

    def __init__(self) -> None:
        self._sums: list[np.ndarray] = []

    def add(self, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Count some pictures' latents (m, C, h, w) and the teacher's.

        Raises
        ------
        ShapeError  if they are not of one shape
        """
        if ours.shape != theirs.shape or ours.ndim != 4:
            raise ShapeError(f"latents (m, C, h, w) of one shape are compared; got {ours.shape} and {theirs.shape}.")
        x, y = ours.astype(np.float64), theirs.astype(np.float64)
        sites = np.full(x.shape[:2], float(x.shape[2] * x.shape[3]))
        parts = (x, y, x * x, y * y, x * y)
        self._sums.append(np.stack([sites, *(part.sum((2, 3)) for part in parts)], 1))

    def figures(self) -> dict[str, Any]:
        """Return r2, l2, r2 of each channel, both cosines, and mean and spread of each channel of both.

        `l2` is the squared error over the variance of the teacher's latents about their mean, all sites of all
        pictures together; `cosine` is the mean over pictures, `cosine_centered` the same with the mean of each
        of the teacher's channels taken from both. None where the teacher's latents, or one channel, never change.
        """
        sums = np.concatenate(self._sums)
        sites, x, y, xx, yy, xy = sums.sum(0)
        squared, total = xx - 2 * xy + yy, yy - y**2 / sites
        each = [1 - float(s / t) if t > TINY * n else None for s, t, n in zip(squared, total, sites, strict=True)]
        l2 = float(squared.sum() / total.sum()) if total.sum() > TINY * sites.sum() else None
        return {
            "r2": None if l2 is None else 1 - l2,
            "l2": l2,
            "r2_each": each,
            "cosine": _mean_cosine(sums, np.zeros_like(y)),
            "cosine_centered": None if l2 is None else _mean_cosine(sums, y / sites),
            "mean": (x / sites).tolist(),
            "spread": np.sqrt(np.maximum(xx / sites - (x / sites) ** 2, 0)).tolist(),
            "teacher_mean": (y / sites).tolist(),
            "teacher_spread": np.sqrt(np.maximum(total / sites, 0)).tolist(),
        }

    def picture_l2(self) -> np.ndarray:
        """Squared error of each picture over the variance that so many sites have on average: (m,)."""
        sums = np.concatenate(self._sums)
        sites, _, y, _, yy, _ = sums.sum(0)
        variance = float(((yy - y**2 / sites) / sites).sum())
        error = (sums[:, 3] - 2 * sums[:, 5] + sums[:, 4]).sum(1) / sums[:, 0, 0]
        return error / max(variance, TINY)


def _mean_cosine(sums: np.ndarray, mean: np.ndarray) -> float:
    """Mean over pictures of the cosine of both latents less `mean`; 0 where one of them is zero."""
    sites, x, y, xx, yy, xy = sums.swapaxes(0, 1)
    product = (xy - mean * (x + y) + sites * mean**2).sum(1)
    ours = (xx - 2 * mean * x + sites * mean**2).sum(1)
    theirs = (yy - 2 * mean * y + sites * mean**2).sum(1)
    size = np.sqrt(np.maximum(ours, 0) * np.maximum(theirs, 0))
    return float(np.where(size > TINY, product / np.maximum(size, TINY), 0.0).mean())
