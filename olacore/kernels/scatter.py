"""Put predicted patches together as pictures."""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel

HALF_PIXEL, ONE = np.float32(127.5), np.float32(1)
BLACK, WHITE = np.float32(0), np.float32(255)
# Patches that a job puts together: long enough for vector loops; 8 x 8 pixels of each take 16 kB of the first cache.
PATCHES = 64


@device
def to_level(value):
    """The 8-bit level nearest to a value, as int32."""
    return np.int32(min(max(np.rint(value), BLACK), WHITE))


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
    for job in prange((item.size + PATCHES - 1) // PATCHES):
        first = job * PATCHES
        count = min(PATCHES, item.size - first)
        # The three bytes of a pixel in one number: a third of the moves when pixels are transposed.
        pixels = np.empty((size * size, PATCHES), np.int32)
        for p in range(size * size):
            i, end = 3 * p, first + count
            reds, greens, blues = outputs[i, first:end], outputs[i + 1, first:end], outputs[i + 2, first:end]
            gain_r, gain_g, gain_b = scale[i] * HALF_PIXEL, scale[i + 1] * HALF_PIXEL, scale[i + 2] * HALF_PIXEL
            shift_r, shift_g = (mean[i] + ONE) * HALF_PIXEL, (mean[i + 1] + ONE) * HALF_PIXEL
            shift_b = (mean[i + 2] + ONE) * HALF_PIXEL
            line = pixels[p]
            for s in range(count):
                red, green = to_level(reds[s] * gain_r + shift_r), to_level(greens[s] * gain_g + shift_g)
                line[s] = red | green << 8 | to_level(blues[s] * gain_b + shift_b) << 16
        for s in range(count):
            frame, place = frames[item[first + s]], site[first + s]
            top, left = place // columns * size, place % columns * size
            for row in range(size):
                for column in range(size):
                    pixel, levels = frame[top + row, left + column], pixels[row * size + column, s]
                    pixel[0], pixel[1] = np.uint8(levels & 255), np.uint8(levels >> 8 & 255)
                    pixel[2] = np.uint8(levels >> 16)


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
