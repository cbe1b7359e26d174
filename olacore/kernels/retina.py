"""What the cells of a retina report of whole pictures."""

import numba
import numpy as np

from olacore.jit.flags import kernel


@kernel
def project_frames(
    frames: np.ndarray, rows: np.ndarray, columns: np.ndarray, colours: np.ndarray, out: np.ndarray
) -> None:
    """Mean of each cell's samples, seen through its colour.

    Parameters
    ----------
    frames : (m, H, W, 3) uint8
    rows, columns : (cells, samples) float32 in [0, 1), relative to height and width
    colours : (cells, 3) float32
    out : (m, cells) float32, written
    """
    pictures, height, width, _ = frames.shape
    cells, samples = rows.shape
    for cell in numba.prange(cells):
        for picture in range(pictures):
            red, green, blue = np.int64(0), np.int64(0), np.int64(0)
            for sample in range(samples):
                y = int(rows[cell, sample] * np.float32(height))
                x = int(columns[cell, sample] * np.float32(width))
                red += np.int64(frames[picture, y, x, 0])
                green += np.int64(frames[picture, y, x, 1])
                blue += np.int64(frames[picture, y, x, 2])
            share = np.float32(1) / (np.float32(127.5) * np.float32(samples))
            tint = colours[cell]
            out[picture, cell] = (
                tint[0] * (np.float32(red) * share - np.float32(1))
                + tint[1] * (np.float32(green) * share - np.float32(1))
                + tint[2] * (np.float32(blue) * share - np.float32(1))
            )


def project_frames_reference(
    frames: np.ndarray, rows: np.ndarray, columns: np.ndarray, colours: np.ndarray, out: np.ndarray
) -> None:
    """NumPy twin of `project_frames`."""
    _, height, width, _ = frames.shape
    y = (rows * np.float32(height)).astype(np.int64)
    x = (columns * np.float32(width)).astype(np.int64)
    mean = frames[:, y, x].mean(2) / 127.5 - 1
    out[...] = (mean * colours).sum(2)
