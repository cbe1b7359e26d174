"""Put predicted patches together as pictures."""

import numpy as np
from numba import prange

from olacore.jit import kernel

HALF_PIXEL, ONE = np.float32(127.5), np.float32(1)
BLACK, WHITE = np.float32(0), np.float32(255)


@kernel
def scatter_patches(outputs, item, site, size, mean, scale, frames):
    """Bring predictions to pixels and write each patch to its place.

    Parameters
    ----------
    outputs : (size * size * 3, n) in (row, column, channel) order; a pixel is 127.5 (output * scale + mean + 1)
    item, site : (n,) int32; site `sy * (W / size) + sx` is the patch at row sy, column sx
    size : side of a patch in pixels
    mean, scale : (size * size * 3,)
    frames : (m, H, W, 3) uint8  written where there are patches, rounded and clipped
    """
    columns = frames.shape[2] // size
    for row in prange(size):
        for o in range(row * size * 3, (row + 1) * size * 3):
            column, channel = o // 3 % size, o % 3
            line, gain, shift = outputs[o], scale[o] * HALF_PIXEL, (mean[o] + ONE) * HALF_PIXEL
            for s in range(item.size):
                pixel = min(max(np.rint(line[s] * gain + shift), BLACK), WHITE)
                y, x = site[s] // columns * size + row, site[s] % columns * size + column
                frames[item[s], y, x, channel] = np.uint8(pixel)


def scatter_patches_reference(
    outputs: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    size: int,
    mean: np.ndarray,
    scale: np.ndarray,
    frames: np.ndarray,
) -> None:
    """NumPy twin of `scatter_patches`."""
    values = outputs.astype(np.float64) * scale[:, None] + mean[:, None]
    patches = np.clip(np.rint((values + 1) * 127.5), 0, 255).astype(np.uint8).T.reshape(-1, size, size, 3)
    columns = frames.shape[2] // size
    for patch, which, where in zip(patches, item, site, strict=True):
        y, x = where // columns * size, where % columns * size
        frames[which, y : y + size, x : x + size] = patch
