"""Cut rows out of pictures and latents straight into the layout that the loss kernel reads.

Site `sy * (W / size) + sx` of a picture is its size x size patch at row sy, column sx; site `y * w + x` of a latent is
one cell. Inputs become (value - mean) / scale, targets (value - shift) / scale; a pixel's value is u8 / 127.5 - 1.
"""

import numpy as np
from numba import prange

from olacore.jit import device, kernel
from olacore.kernels.layout import CHUNK, GROUPS, LANES, write_lanes

HALF_PIXEL, ONE = np.float32(127.5), np.float32(1)
HALF_SIGN, HALF_REST, HALF_INFINITE = np.uint32(0x8000), np.uint32(0x7FFF), np.uint32(0x7C00)
TO_SIGN, TO_MANTISSA = np.uint32(16), np.uint32(13)
FLOAT_INFINITE = np.uint32(0x7F800000)
# Moves the exponent from float16's bias to float32's; exact for denormals too.
REBIAS = np.float32(2.0**112)


@device
def reflect(index, length):
    """The place inside a line of `length` that mirrors `index`, without repeating the edge."""
    if 0 <= index < length:
        return index
    period = max(2 * length - 2, 1)
    return min(index % period, period - index % period)


@device
def decode_half(bits):
    """The float32 of a float16's 16 bits."""
    word = np.uint32(bits)
    size = np.uint32(np.uint32(word & HALF_REST) << TO_MANTISSA)
    if word & HALF_REST >= HALF_INFINITE:
        value = np.uint32(size | FLOAT_INFINITE).view(np.float32)
    else:
        value = size.view(np.float32) * REBIAS
    return -value if word & HALF_SIGN else value


@device
def gather_patch_lanes(frames, item, site, size, border, mean, scale, first, lanes, out, column):
    """Patches of the samples from `first`, `lanes` at most, into out[:, column : column + lanes], then zeros."""
    height, width = frames.shape[1], frames.shape[2]
    side = size + 2 * border
    length = 3 * side
    count = max(min(lanes, item.size - first), 0)
    lines = np.empty((count, length), np.float32)
    top, left = np.empty(count, np.int64), np.empty(count, np.int64)
    for s in range(count):
        place = site[first + s]
        top[s], left[s] = place // (width // size) * size - border, place % (width // size) * size - border
    for row in range(side):
        offset, spread = mean[row * length : row * length + length], scale[row * length : row * length + length]
        for s in range(count):
            x = left[s]
            pixels = frames[item[first + s], reflect(top[s] + row, height)].reshape(3 * width)
            line = lines[s]
            if x >= 0 and x + side <= width:
                inside = pixels[3 * x : 3 * x + length]
                for j in range(length):
                    line[j] = (np.float32(inside[j]) / HALF_PIXEL - ONE - offset[j]) / spread[j]
            else:
                for j in range(length):
                    pixel = pixels[3 * reflect(x + j // 3, width) + j % 3]
                    line[j] = (np.float32(pixel) / HALF_PIXEL - ONE - offset[j]) / spread[j]
        write_lanes(lines, lanes, out, row * length, column)


@device
def gather_window_lanes(latents, item, site, window, mean, scale, first, lanes, out, column):
    """Windows of the samples from `first`, `lanes` at most, into out[:, column : column + lanes], then zeros."""
    channels, height, width = latents.shape[1:]
    count = max(min(lanes, item.size - first), 0)
    lines = np.empty((count, mean.size), np.float32)
    for s in range(count):
        top, left = site[first + s] // width - window // 2, site[first + s] % width - window // 2
        latent, line = latents[item[first + s]], lines[s]
        i = 0
        for channel in range(channels):
            for row in range(window):
                cells = latent[channel, min(max(top + row, 0), height - 1)]
                for cell in range(window):
                    line[i] = decode_half(cells[min(max(left + cell, 0), width - 1)])
                    i += 1
        for i in range(mean.size):
            line[i] = (line[i] - mean[i]) / scale[i]
    write_lanes(lines, lanes, out, 0, column)


@kernel
def gather_patches(frames, item, site, size, border, mean, scale, out):
    """Patches with a border as packed inputs in (row, column, channel) order, reflected at the picture's edge.

    Parameters
    ----------
    frames : (m, H, W, 3) uint8
    item : (n,) int32  which picture
    site : (n,) int32  which patch of it
    size : side of a patch in pixels, a divisor of H and W
    border : pixels added on each side
    mean, scale : (in,)  in = (size + 2 * border)^2 * 3
    out : (chunks, in, CHUNK)  written, zero past the last sample
    """
    for group in prange(out.shape[0] * GROUPS):
        first, column, block = group * LANES, group % GROUPS * LANES, out[group // GROUPS]
        gather_patch_lanes(frames, item, site, size, border, mean, scale, first, LANES, block, column)


def gather_patches_reference(
    frames: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    size: int,
    border: int,
    mean: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `gather_patches`."""
    padded = np.pad(frames, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
    columns, side = frames.shape[2] // size, size + 2 * border
    out[:] = 0
    for s, (which, where) in enumerate(zip(item, site, strict=True)):
        y, x = where // columns * size, where % columns * size
        patch = padded[which, y : y + side, x : x + side].reshape(-1).astype(np.float32)
        out[s // CHUNK, :, s % CHUNK] = (patch / HALF_PIXEL - ONE - mean) / scale


@kernel
def gather_patch_targets(frames, item, site, size, shift, scale, out):
    """Patches as targets, in (row, column, channel) order.

    Parameters
    ----------
    frames : (m, H, W, 3) uint8
    item, site : (n,) int32
    size : side of a patch in pixels
    shift, scale : (out,)  out = size^2 * 3
    out : (out, n)  written
    """
    for group in prange((item.size + LANES - 1) // LANES):
        first = group * LANES
        lanes = min(LANES, item.size - first)
        gather_patch_lanes(frames, item, site, size, 0, shift, scale, first, lanes, out, first)


def gather_patch_targets_reference(
    frames: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    size: int,
    shift: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `gather_patch_targets`."""
    columns = frames.shape[2] // size
    for s, (which, where) in enumerate(zip(item, site, strict=True)):
        y, x = where // columns * size, where % columns * size
        patch = frames[which, y : y + size, x : x + size].reshape(-1).astype(np.float32)
        out[:, s] = (patch / HALF_PIXEL - ONE - shift) / scale


@kernel
def gather_windows(latents, item, site, window, mean, scale, out):
    """Windows around latent cells as packed inputs, in (channel, row, column) order, edge cells repeated.

    Parameters
    ----------
    latents : (m, C, h, w) uint16  the bits of float16 numbers
    item, site : (n,) int32
    window : side of the window in cells, odd
    mean, scale : (in,)  in = C * window^2
    out : (chunks, in, CHUNK)  written, zero past the last sample
    """
    for group in prange(out.shape[0] * GROUPS):
        first, column, block = group * LANES, group % GROUPS * LANES, out[group // GROUPS]
        gather_window_lanes(latents, item, site, window, mean, scale, first, LANES, block, column)


def gather_windows_reference(
    latents: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    window: int,
    mean: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `gather_windows`."""
    values = latents.view(np.float16).astype(np.float32)
    border = window // 2
    padded = np.pad(values, ((0, 0), (0, 0), (border, border), (border, border)), mode="edge")
    out[:] = 0
    for s, (which, where) in enumerate(zip(item, site, strict=True)):
        y, x = divmod(int(where), latents.shape[3])
        cut = padded[which, :, y : y + window, x : x + window].reshape(-1)
        out[s // CHUNK, :, s % CHUNK] = (cut - mean) / scale


@kernel
def gather_sites(latents, item, site, shift, scale, out):
    """Latent cells as targets.

    Parameters
    ----------
    latents : (m, C, h, w) uint16  the bits of float16 numbers
    item, site : (n,) int32
    shift, scale : (C,)
    out : (C, n)  written
    """
    for group in prange((item.size + LANES - 1) // LANES):
        first = group * LANES
        lanes = min(LANES, item.size - first)
        gather_window_lanes(latents, item, site, 1, shift, scale, first, lanes, out, first)


def gather_sites_reference(
    latents: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    shift: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `gather_sites`."""
    values = latents.view(np.float16).astype(np.float32)
    cells = values.reshape(*latents.shape[:2], -1)[item, :, site]
    out[:] = ((cells - shift) / scale).T
