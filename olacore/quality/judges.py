"""A judge that tells from a picture alone what its caption says: kernel ridge regression from hand-made features.

It is a closed form and no network, and it judges; it has no part in what is trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.quality.drawings import CELLS, cells_of, squared_distances

# Cells along a side of the layout, levels of a colour in the histogram, cells and directions of the gradients.
LAYOUT, SHADES, GRADIENT_CELLS, DIRECTIONS = 8, 4, 4, 8
# Widths of the kernel, over the median distance, and shrinkages that are tried.
WIDTHS, RIDGES = (0.3, 0.5, 1.0), (0.01, 0.1, 1.0)
# Captions that a picture's own one is found among.
AMONG = 100
TINY = 1e-12


def features_of(frames: np.ndarray) -> tuple[np.ndarray, ...]:
    """Layout of colours, their histogram, and directions of gradients of pictures (n, H, W, 3), (n, k) float64 each."""
    small = cells_of(frames).reshape(len(frames), CELLS, CELLS, 3) / 255.0
    count, step = len(small), CELLS // LAYOUT
    layout = small.reshape(count, LAYOUT, step, LAYOUT, step, 3).mean((2, 4)).reshape(count, -1)
    shades = np.minimum((small * SHADES).astype(int), SHADES - 1) @ (SHADES**2, SHADES, 1)
    histogram = np.stack([(shades == shade).mean((1, 2)) for shade in range(SHADES**3)], 1)
    grey = small.mean(3)
    down, across = np.gradient(grey, axis=(1, 2))
    size, direction = np.hypot(down, across), np.arctan2(down, across)
    turn = ((direction + np.pi) / (2 * np.pi) * DIRECTIONS).astype(int) % DIRECTIONS
    cell = CELLS // GRADIENT_CELLS
    gradients = [
        np.where(turn == number, size, 0).reshape(count, GRADIENT_CELLS, cell, GRADIENT_CELLS, cell).mean((2, 4))
        for number in range(DIRECTIONS)
    ]
    return layout, np.sqrt(histogram), np.stack(gradients, 1).reshape(count, -1)


def kernel_distance(drawn: np.ndarray, truth: np.ndarray) -> float:
    """Kernel inception distance (Binkowski et al. 2018, arXiv:1801.01401) on `features_of` in place of a network's.

    The unbiased squared maximum mean discrepancy by the kernel (x.y / k + 1)^3; 0 for pictures of the same kind, below
    it by chance. Each part of the features is scaled by its spread among the true pictures.

    Parameters
    ----------
    drawn, truth : (m, H, W, 3) and (n, H, W, 3) uint8, two or more of each; their order does not matter
    """
    parts = list(zip(features_of(drawn), features_of(truth), strict=True))
    scales = [max(float(true.std(0).mean()), TINY) for _, true in parts]
    ours, theirs = (
        np.hstack([pair[side] / scale for pair, scale in zip(parts, scales, strict=True)]) for side in (0, 1)
    )
    centre, width = theirs.mean(0), ours.shape[1]

    def among(some: np.ndarray, others: np.ndarray) -> np.ndarray:
        return ((some - centre) @ (others - centre).T / width + 1) ** 3

    with threadpool_limits(1, user_api="blas"):
        own = [
            (kernel.sum() - np.trace(kernel)) / (len(kernel) * (len(kernel) - 1))
            for kernel in (among(ours, ours), among(theirs, theirs))
        ]
        return float(sum(own) - 2 * among(ours, theirs).mean())


@dataclass(frozen=True)
class Judge:
    """Embeddings from pictures.

    Parameters
    ----------
    known : (n, k) features of the pictures that it learnt from
    weights : (n, E)
    mean : (E,)
    width : of the kernel
    scales : what each part of the features is divided by, so that all count alike
    """

    known: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    width: float
    scales: tuple[float, ...]

    @classmethod
    def of(cls, frames: np.ndarray, embeddings: np.ndarray, apart: np.ndarray) -> Judge:
        """Learn from pictures and their captions' embeddings; those `apart` (n,) bool choose width and shrinkage."""
        parts = features_of(frames)
        scales = tuple(max(float(part[~apart].std(0).mean()), TINY) * part.shape[1] ** 0.5 for part in parts)
        features = np.hstack([part / scale for part, scale in zip(parts, scales, strict=True)])
        known, mean = features[~apart], embeddings[~apart].mean(0)
        distances = squared_distances(known, known)
        middle = float(np.median(distances))
        best: tuple[float, Judge] | None = None
        with threadpool_limits(1, user_api="blas"):
            for width in (middle * share for share in WIDTHS):
                kernel = np.exp(-distances / (2 * width))
                for ridge in RIDGES:
                    weights = np.linalg.solve(kernel + ridge * np.eye(len(kernel)), embeddings[~apart] - mean)
                    judge = cls(known, weights, mean, width, scales)
                    missed = float(np.square(judge.read_features(features[apart]) - embeddings[apart]).sum())
                    if best is None or missed < best[0]:
                        best = (missed, judge)
        assert best is not None
        return best[1]

    def read(self, frames: np.ndarray) -> np.ndarray:
        """Embeddings (n, E) of pictures."""
        parts = zip(features_of(frames), self.scales, strict=True)
        return self.read_features(np.hstack([part / scale for part, scale in parts]))

    def read_features(self, features: np.ndarray) -> np.ndarray:
        """Embeddings (n, E) of features."""
        kernel = np.exp(-squared_distances(features, self.known) / (2 * self.width))
        return np.asarray(self.mean + kernel @ self.weights)

    def precision(self, drawn: np.ndarray, own: np.ndarray, captions: np.ndarray, seed: int = 0) -> float:
        """Share of pictures whose own caption is the likest of `AMONG`: R-precision.

        Parameters
        ----------
        drawn : (m, H, W, 3) uint8
        own : (m,) number of each picture's caption
        captions : (k, E) embeddings at unit length; the others are drawn from them by the seed
        """
        read = self.read(drawn) - self.mean
        draw, found = np.random.default_rng(seed), 0
        for picture, number in zip(read, own, strict=True):
            others = np.delete(np.arange(len(captions)), number)
            among = draw.choice(others, min(AMONG - 1, len(others)), replace=False)
            likeness = (captions[[number, *among]] - self.mean) @ picture
            found += bool(likeness.argmax() == 0)
        return found / len(read)
