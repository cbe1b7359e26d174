"""Cut rows out of pictures and latents straight into the layout that the loss kernel reads.

Site `sy * (W / size) + sx` of a picture is its size x size patch at row sy, column sx; site `y * w + x` of a latent is
one cell. Inputs become (value - mean) / scale, targets (value - shift) / scale; a pixel's value is u8 / 127.5 - 1.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel, serial
from olacore.kernels.layout import CHUNK, GROUPS, LANES, ZERO, write_lanes

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
    # Without a division where it passes an edge once.
    once = abs(index) if index < length else 2 * length - 2 - index
    if 0 <= once < length:
        return once
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
def level_scaling(mean, scale):
    """Gain and shift that bring the 8-bit level of a pixel to ((u8 / 127.5 - 1) - mean) / scale."""
    gain, shift = np.empty_like(scale), np.empty_like(scale)
    for i in range(scale.size):
        gain[i], shift[i] = ONE / (HALF_PIXEL * scale[i]), -(ONE + mean[i]) / scale[i]
    return gain, shift


def input_levels(mean: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """NumPy twin of `level_scaling`."""
    return ONE / (HALF_PIXEL * scale), -(ONE + mean) / scale


@device
def join_channels(pixel):
    """The three bytes of a pixel as one number: a third of the moves when pixels are transposed."""
    return np.int32(pixel[0]) | np.int32(pixel[1]) << 8 | np.int32(pixel[2]) << 16


@device
def lowest_byte(word):
    """The lowest eight bits as float32."""
    return np.float32(np.int32(word & 255))


# This and the next are called, not inlined: a kernel of both takes half as long to compile, and runs as fast.
@serial
def gather_patch_lanes(frames, item, site, size, border, gain, shift, first, lanes, out, column):
    """Patches of the samples from `first`, `lanes` at most, into out[:, column : column + lanes], then zeros."""
    height, width = frames.shape[1], frames.shape[2]
    columns, side = width // size, size + 2 * border
    count = max(min(lanes, item.size - first), 0)
    pixels = np.zeros((side * side, lanes), np.int32)
    for s in range(count):
        frame, place = frames[item[first + s]], site[first + s]
        top, left = place // columns * size - border, place % columns * size - border
        for row in range(side):
            line = frame[reflect(top + row, height)]
            if left >= 0 and left + side <= width:
                for x in range(side):
                    pixels[row * side + x, s] = join_channels(line[left + x])
            else:
                for x in range(side):
                    pixels[row * side + x, s] = join_channels(line[reflect(left + x, width)])
    for p in range(side * side):
        i = 3 * p
        gain_r, gain_g, gain_b = gain[i], gain[i + 1], gain[i + 2]
        shift_r, shift_g, shift_b = shift[i], shift[i + 1], shift[i + 2]
        pixel, end = pixels[p], column + lanes
        line_r, line_g, line_b = out[i, column:end], out[i + 1, column:end], out[i + 2, column:end]
        for s in range(lanes):
            # Computed before anything is written: LLVM would read the pixel again for every channel.
            levels = pixel[s]
            r, g, b = lowest_byte(levels), lowest_byte(levels >> 8), lowest_byte(levels >> 16)
            red, green, blue = r * gain_r + shift_r, g * gain_g + shift_g, b * gain_b + shift_b
            line_r[s], line_g[s], line_b[s] = red, green, blue
        for s in range(count, lanes):
            line_r[s], line_g[s], line_b[s] = ZERO, ZERO, ZERO


@serial
def gather_window_lanes(latents, item, site, window, mean, scale, first, lanes, out, top_row, column):
    """Windows of the samples from `first`, `lanes` at most, into out[top_row:, column : column + lanes], then zeros."""
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
    write_lanes(lines, lanes, out, top_row, column)


@device
def gather_number_lanes(numbers, height, width, item, site, mean, scale, first, out, top_row, column):
    """Numbers of the items, and where the sites lie, of LANES samples from `first`, as `gather_window_lanes` does."""
    count, known = max(min(LANES, item.size - first), 0), numbers.shape[1]
    lines = np.empty((count, known + 2), np.float32)
    for s in range(count):
        line, place = lines[s], site[first + s]
        for i in range(known):
            line[i] = numbers[item[first + s], i]
        line[known] = np.float32(2 * (place // width) + 1) / np.float32(height) - ONE
        line[known + 1] = np.float32(2 * (place % width) + 1) / np.float32(width) - ONE
        for i in range(known + 2):
            line[i] = (line[i] - mean[i]) / scale[i]
    write_lanes(lines, LANES, out, top_row, column)


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
    gain, shift = level_scaling(mean, scale)
    for group in prange(out.shape[0] * GROUPS):
        first, column, block = group * LANES, group % GROUPS * LANES, out[group // GROUPS]
        gather_patch_lanes(frames, item, site, size, border, gain, shift, first, LANES, block, column)


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
    gain, offset = level_scaling(shift, scale)
    for group in prange((item.size + LANES - 1) // LANES):
        first = group * LANES
        lanes = min(LANES, item.size - first)
        gather_patch_lanes(frames, item, site, size, 0, gain, offset, first, lanes, out, first)


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
        gather_window_lanes(latents, item, site, window, mean, scale, first, LANES, block, 0, column)


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
        gather_window_lanes(latents, item, site, 1, shift, scale, first, lanes, out, 0, first)


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


@kernel
def gather_drawn(frames, latents, item, site, size, border, window, mean, scale, out):
    """What a refiner of blocks sees, as packed inputs: patches as of `gather_patches`, behind them windows as of
    `gather_windows` around the latent cells that the patches were drawn from.

    Parameters
    ----------
    frames : (m, H, W, 3) uint8
    latents : (m, C, H / size, W / size) uint16  the bits of float16 numbers
    item, site : (n,) int32
    size : side of a patch in pixels
    border : pixels added on each side
    window : side of the window in cells, odd
    mean, scale : (in,)  in = (size + 2 * border)^2 * 3 + C * window^2
    out : (chunks, in, CHUNK)  written, zero past the last sample
    """
    seen = 3 * (size + 2 * border) ** 2
    gain, shift = level_scaling(mean[:seen], scale[:seen])
    some, spread = mean[seen:], scale[seen:]
    for group in prange(out.shape[0] * GROUPS):
        first, column, block = group * LANES, group % GROUPS * LANES, out[group // GROUPS]
        gather_patch_lanes(frames, item, site, size, border, gain, shift, first, LANES, block, column)
        gather_window_lanes(latents, item, site, window, some, spread, first, LANES, block, seen, column)


def gather_drawn_reference(
    frames: np.ndarray,
    latents: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    size: int,
    border: int,
    window: int,
    mean: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `gather_drawn`."""
    seen = 3 * (size + 2 * border) ** 2
    gather_patches_reference(frames, item, site, size, border, mean[:seen], scale[:seen], out[:, :seen])
    gather_windows_reference(latents, item, site, window, mean[seen:], scale[seen:], out[:, seen:])


@kernel
def gather_noisy(noisy, means, estimates, numbers, item, site, window, text_window, mean, scale, out):
    """What a denoiser of sites sees, as packed inputs: windows of the noisy latent, of the text mean and of a filter's
    estimate, numbers of the item, and the row and the column of the site, from -1 to 1 over the latent.

    Parameters
    ----------
    noisy : (m, C, h, w) uint16  the bits of float16 numbers
    means, estimates : (m, C, h, w) uint16  likewise; (m, 0, 1, 1) where there are none
    numbers : (m, k) float32
    item, site : (n,) int32
    window, text_window : sides of the windows in cells, odd, the latter of means and estimates; edge cells are repeated
    mean, scale : (in,)  in = C * window^2 + C * text_window^2 + C * text_window^2 + k + 2, of what there is
    out : (chunks, in, CHUNK)  written, zero past the last sample
    """
    height, width = noisy.shape[2:]
    text = noisy.shape[1] * window * window
    beside = text + means.shape[1] * text_window * text_window
    rest = beside + estimates.shape[1] * text_window * text_window
    for group in prange(out.shape[0] * GROUPS):
        first, column, block = group * LANES, group % GROUPS * LANES, out[group // GROUPS]
        # One call in a loop: of two, the first's constant row would make another function to compile.
        for part in range(3):
            if part == 0:
                latents, side, start, stop = noisy, window, 0, text
            elif part == 1:
                latents, side, start, stop = means, text_window, text, beside
            else:
                latents, side, start, stop = estimates, text_window, beside, rest
            if stop > start:
                some, spread = mean[start:stop], scale[start:stop]
                gather_window_lanes(latents, item, site, side, some, spread, first, LANES, block, start, column)
        gather_number_lanes(numbers, height, width, item, site, mean[rest:], scale[rest:], first, block, rest, column)


def gather_noisy_reference(
    noisy: np.ndarray,
    means: np.ndarray,
    estimates: np.ndarray,
    numbers: np.ndarray,
    item: np.ndarray,
    site: np.ndarray,
    window: int,
    text_window: int,
    mean: np.ndarray,
    scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `gather_noisy`."""
    rest = 0
    out[:] = 0
    for latents, side in ((noisy, window), (means, text_window), (estimates, text_window)):
        if latents.shape[1]:
            part = slice(rest, rest + latents.shape[1] * side**2)
            gather_windows_reference(latents, item, site, side, mean[part], scale[part], out[:, part])
            rest = part.stop
    height, width = noisy.shape[2:]
    places = (2 * np.stack(np.divmod(site, width), 1) + 1) / (height, width) - 1
    rows = np.hstack([numbers[item], places.astype(np.float32)])
    for s, row in enumerate(rows):
        out[s // CHUNK, rest:, s % CHUNK] = (row - mean[rest:]) / scale[rest:]
