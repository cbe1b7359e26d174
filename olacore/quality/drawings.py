"""Figures of drawn pictures beside the true ones: what is left, whether the true one is the nearest, blur, copies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Pictures are compared by the means of so many cells along a side.
CELLS = 32
# A copy is nearer to a training picture than this share of the distance to the second.
COPY = 1 / 3
WHITE = 255


@dataclass(frozen=True)
class Known:
    """The pictures that drawn ones are compared with.

    Parameters
    ----------
    cells : (n, numbers) float32, of every picture
    training : (n,) bool
    mean : (numbers,) of the training pictures
    frame : (H, W, 3) float32, the mean training picture
    """

    cells: np.ndarray
    training: np.ndarray
    mean: np.ndarray
    frame: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray, training: np.ndarray) -> Known:
        """Look at all pictures of a data set.

        Parameters
        ----------
        frames : (n, H, W, 3) uint8
        training : (n,) bool
        """
        cells = cells_of(frames)
        mean = cells[training].mean(0, dtype=np.float64).astype(np.float32)
        return cls(cells, training, mean, frames[training].mean(0, dtype=np.float64).astype(np.float32))

    def figures(self, drawn: np.ndarray, truth: np.ndarray, numbers: np.ndarray) -> dict[str, float]:
        """Figures of drawn pictures.

        Parameters
        ----------
        drawn, truth : (m, H, W, 3) uint8
        numbers : (m,) of the true pictures among all

        Returns
        -------
        left : share of the variance of `CELLS` x `CELLS` means, around the mean training picture
        nearest, among_10 : share whose true picture is the nearest of all, or among the ten nearest
        nearer : share that is nearer to the true picture than to any training picture
        energy, detail : of the pixels around the mean picture, and of what a blur takes away, over the true pictures'
        grain : root mean square of detail where the true picture is white all around, in grey levels
        copies : share whose nearest training picture is less than a third as far as the second nearest
        """
        cells, own = cells_of(drawn), self.cells[numbers]
        distances = squared_distances(cells, self.cells)
        to_true = distances[np.arange(len(drawn)), numbers]
        rank = (distances < to_true[:, None]).sum(1)
        to_training = np.sort(distances[:, self.training], 1)
        detail, true_detail = detail_of(drawn), detail_of(truth)
        paper = white_around(truth)
        return {
            "left": float(np.square(cells - own).sum() / np.square(own - self.mean).sum()),
            "nearest": float((rank < 1).mean()),
            "among_10": float((rank < 10).mean()),
            "nearer": float((to_true < to_training[:, 0]).mean()),
            "energy": float(np.square(drawn - self.frame).sum() / np.square(truth - self.frame).sum()),
            "detail": float(np.square(detail).sum() / np.square(true_detail).sum()),
            "grain": float(np.sqrt(np.square(detail[paper]).mean())) if paper.any() else 0.0,
            "copies": float((to_training[:, 0] < COPY**2 * to_training[:, 1]).mean()),
        }


def cells_of(frames: np.ndarray) -> np.ndarray:
    """Means of CELLS x CELLS cells of pictures (n, H, W, 3) uint8, (n, CELLS * CELLS * 3) float32."""
    count, height, width, _ = frames.shape
    if height % CELLS or width % CELLS:
        from PIL import Image

        resized = [Image.fromarray(frame).resize((CELLS, CELLS), Image.Resampling.BOX) for frame in frames]
        return np.array(resized, np.float32).reshape(count, -1)
    cells = frames.reshape(count, CELLS, height // CELLS, CELLS, width // CELLS, 3)
    return np.asarray(cells.mean((2, 4), dtype=np.float32).reshape(count, -1))


def squared_distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Between rows (m, k) and (n, k), (m, n) in their type, never below 0."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        found = np.square(some).sum(1)[:, None] + np.square(others).sum(1) - 2 * some @ others.T
    return np.asarray(np.maximum(found, 0))


def detail_of(frames: np.ndarray) -> np.ndarray:
    """What a blur of 3 x 3 pixels takes away, (n, H, W, 3) float32."""
    wide = np.pad(frames.astype(np.float32), ((0, 0), (1, 1), (1, 1), (0, 0)), "edge")
    height, width = frames.shape[1:3]
    blurred = sum(wide[:, y : y + height, x : x + width] for y in range(3) for x in range(3)) / np.float32(9)
    return np.asarray(frames - blurred)


def white_around(frames: np.ndarray, reach: int = 4) -> np.ndarray:
    """Where all pixels within `reach` are white, (n, H, W) bool."""
    white = (frames == WHITE).all(3)
    wide = np.pad(white, ((0, 0), (reach, reach), (reach, reach)), "edge")
    side = 2 * reach + 1
    windows = np.lib.stride_tricks.sliding_window_view(wide, (side, side), axis=(1, 2))
    return np.asarray(windows.all((3, 4)))
