"""Windows of latent sites with their neighbours, and the way back; edges repeat.

Rows are (C, n), the sites of whole pictures one after the other; windows are (C * window^2, n), ordered by channel, row
and column as those of `gather_windows`.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import kernel

ZERO = np.float32(0)


@kernel
def cut_windows(latents, height, width, window, out):
    """Lay the neighbours of every site out as rows.

    Parameters
    ----------
    latents : (C, n)  n = pictures * height * width
    height, width : of a picture, in sites
    window : side of the window, odd
    out : (C * window^2, n)  written
    """
    cells = window * window
    half = window // 2
    for row in prange(out.shape[0]):
        source, target = latents[row // cells], out[row]
        down, right = row % cells // window - half, row % window - half
        for line in range(latents.shape[1] // width):
            top = line // height * height
            start = (top + min(max(line - top + down, 0), height - 1)) * width
            for x in range(width):
                target[line * width + x] = source[start + min(max(x + right, 0), width - 1)]


def cut_windows_reference(latents: np.ndarray, height: int, width: int, window: int, out: np.ndarray) -> None:
    """NumPy twin of `cut_windows`."""
    half = window // 2
    sites = latents.reshape(len(latents), -1, height, width)
    wide = np.pad(sites, ((0, 0), (0, 0), (half, half), (half, half)), mode="edge")
    views = np.lib.stride_tricks.sliding_window_view(wide, (window, window), axis=(2, 3))
    out[:] = views.transpose(0, 4, 5, 1, 2, 3).reshape(out.shape)


@kernel
def fold_windows(windows, height, width, window, out):
    """Add what every window says of a site: the transpose of `cut_windows`.

    Parameters
    ----------
    windows : (C * window^2, n)
    height, width, window : as in `cut_windows`
    out : (C, n)  written
    """
    cells = window * window
    half = window // 2
    for channel in prange(out.shape[0]):
        target = out[channel]
        for s in range(target.size):
            target[s] = ZERO
        for cell in range(cells):
            source = windows[channel * cells + cell]
            down, right = cell // window - half, cell % window - half
            for line in range(target.size // width):
                top = line // height * height
                start = (top + min(max(line - top + down, 0), height - 1)) * width
                for x in range(width):
                    target[start + min(max(x + right, 0), width - 1)] += source[line * width + x]


def fold_windows_reference(windows: np.ndarray, height: int, width: int, window: int, out: np.ndarray) -> None:
    """NumPy twin of `fold_windows`, in float64."""
    total = np.zeros(out.shape)
    y, x = np.divmod(np.arange(out.shape[1]) % (height * width), width)
    first = np.arange(out.shape[1]) // (height * width) * (height * width)
    for cell in range(window**2):
        down, right = cell // window - window // 2, cell % window - window // 2
        site = first + (y + down).clip(0, height - 1) * width + (x + right).clip(0, width - 1)
        for channel in range(len(out)):
            np.add.at(total[channel], site, windows[channel * window**2 + cell].astype(np.float64))
    out[:] = total
