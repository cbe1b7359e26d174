"""Encoders and decoders of patches in one pass over a picture: cut, standardise, multiply, tanh, assemble.

A job takes RUN sites in the order of their pictures and keeps all that it computes in the nearest caches. Sites that
lie side by side in a row have their inputs side by side too, so that rows are cut by copying; `gather.py` and
`scatter.py` do the same for sites in any order.

The maps of a module come one behind the other: `units` (maps,) has the rows of each, weights and biases are flat. A map
reads the standardised inputs and what all maps before it answered.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel, serial
from olacore.kernels.gather import (
    decode_half,
    gather_patches_reference,
    gather_windows_reference,
    lowest_byte,
    reflect,
)
from olacore.kernels.handing import HANDS, take_job
from olacore.kernels.layout import CHUNK
from olacore.kernels.scatter import HALF_PIXEL, ONE, scatter_patches_reference, to_level
from olacore.kernels.tanh import tanh32
from olacore.kernels.tile import LANES, TILE, multiply_tile

# Sites of a job. The inputs and the hidden answers of 1,024 rows take 256 kB.
RUN = 64
LINE = 64
# Pixels of a patch along a side: eight pixels of three bytes are three words of eight bytes.
SIDE, WORDS = 8, 3
COLOURS = 3 * SIDE
ZERO = np.float32(0)


@device
def aligned(rows):
    """Room for rows of a job, (rows, RUN) float32, from a cache line on."""
    room = np.empty(rows * RUN + LINE // 4, np.float32)
    start = -room.ctypes.data % LINE // 4
    # Lanes past the last site are multiplied too: numbers of nobody could be slow ones.
    for place in range(room.size):
        room[place] = ZERO
    return room[start : start + rows * RUN].reshape(rows, RUN)


@device
def locate_run(site, most, height, width):
    """Picture, row and column of a site, and how many sites from it on lie in its row, at most `most`."""
    item, place = site // (height * width), site % (height * width)
    return item, place // width, place % width, min(most, width - place % width)


@serial
def answer_run(weights, biases, units, inputs, count, values, sums, last):
    """Run all maps on a job: values (in + hidden, RUN), of which the inputs are there, to last (out, RUN)."""
    width, place, bias = inputs, 0, 0
    lanes = (count + LANES - 1) // LANES * LANES
    for number in range(units.size):
        rows = units[number]
        matrix = weights[place : place + rows * width].reshape(rows, width)
        shifts = biases[bias : bias + rows]
        answers = last if number == units.size - 1 else values[width:]
        for first in range(0, rows, TILE):
            multiply_tile(matrix, shifts, first, values, lanes, False, sums)
            for t in range(min(TILE, rows - first)):
                # All of it, so that a site's bits do not depend on its place in a vector loop.
                line, source = answers[first + t], sums[t]
                for s in range(RUN):
                    line[s] = tanh32(source[s])
        place, bias, width = place + rows * width, bias + rows, width + rows


@serial
def cut_window_run(latents, item, y, x, window, mean, scale, column, count, values):
    """Windows of `count` sites of one row from (y, x) on into values[:in, column : column + count], standardised."""
    channels, height, width = latents.shape[1:]
    half = window // 2
    cells = np.empty(RUN + window, np.float32)
    for channel in range(channels):
        for row in range(window):
            source = latents[item, channel, min(max(y + row - half, 0), height - 1)]
            for s in range(count + window - 1):
                cells[s] = decode_half(source[min(max(x + s - half, 0), width - 1)])
            for across in range(window):
                i = (channel * window + row) * window + across
                line, middle, spread = values[i, column : column + count], mean[i], scale[i]
                for s in range(count):
                    line[s] = (cells[s + across] - middle) / spread


@serial
def join_run(levels, row, column, count, out):
    """The bytes of pixel row `row` of `count` patches, levels (192, RUN) int32, as words (3 count,) uint64."""
    i = row * COLOURS
    for word in range(WORDS):
        first = i + 8 * word
        for s in range(count):
            low = levels[first, column + s] | levels[first + 1, column + s] << 8
            low |= levels[first + 2, column + s] << 16 | levels[first + 3, column + s] << 24
            high = levels[first + 4, column + s] | levels[first + 5, column + s] << 8
            high |= levels[first + 6, column + s] << 16 | levels[first + 7, column + s] << 24
            out[WORDS * s + word] = np.uint64(np.uint32(low)) | np.uint64(np.uint32(high)) << np.uint64(32)


@serial
def decode_run(job, latents, window, mean, scale, weights, biases, units, target_mean, target_scale, words):
    """One job of `decode_windows`."""
    count, _, height, width = latents.shape
    inputs, outputs = mean.size, target_mean.size
    lanes = min(RUN, count * height * width - job * RUN)
    values, last, sums = aligned(inputs + units.sum() - outputs), aligned(outputs), aligned(TILE)
    column = 0
    while column < lanes:
        item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
        cut_window_run(latents, item, y, x, window, mean, scale, column, some, values)
        column += some
    answer_run(weights, biases, units, inputs, lanes, values, sums, last)
    levels = np.empty((outputs, RUN), np.int32)
    for i in range(outputs):
        gain, shift = target_scale[i] * HALF_PIXEL, (target_mean[i] + ONE) * HALF_PIXEL
        for s in range(RUN):
            levels[i, s] = to_level(last[i, s] * gain + shift)
    column = 0
    while column < lanes:
        item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
        for row in range(SIDE):
            join_run(levels, row, column, some, words[item, y * SIDE + row, WORDS * x : WORDS * (x + some)])
        column += some


@kernel
def decode_windows(latents, window, mean, scale, weights, biases, units, target_mean, target_scale, words):
    """Pictures of latents, by a decoder of windows that answers patches of 8 x 8 pixels.

    Parameters
    ----------
    latents : (m, C, h, w) uint16  the bits of float16 numbers
    window : side of the window in sites, odd; edge sites are repeated
    mean, scale : (in,)  in = C * window^2
    weights, biases, units : of all maps; the last answers 192 numbers, in (row, column, channel) order
    target_mean, target_scale : (192,); a pixel is 127.5 (answer * scale + mean + 1)
    words : (m, 8 h, 3 w) uint64  written: the bytes of (m, 8 h, 8 w, 3) pixels, rounded and clipped
    """
    jobs = (latents.shape[0] * latents.shape[2] * latents.shape[3] + RUN - 1) // RUN
    counter = np.zeros(1, np.int64)
    for _ in prange(HANDS):
        job = take_job(counter)
        while job < jobs:
            decode_run(job, latents, window, mean, scale, weights, biases, units, target_mean, target_scale, words)
            job = take_job(counter)


def decode_windows_reference(
    latents: np.ndarray,
    window: int,
    mean: np.ndarray,
    scale: np.ndarray,
    weights: np.ndarray,
    biases: np.ndarray,
    units: np.ndarray,
    target_mean: np.ndarray,
    target_scale: np.ndarray,
    words: np.ndarray,
) -> None:
    """NumPy twin of `decode_windows`."""
    item, site = sites_of(len(latents), latents.shape[2] * latents.shape[3])
    packed = np.empty((-(-len(item) // CHUNK), mean.size, CHUNK), np.float32)
    gather_windows_reference(latents, item, site, window, mean, scale, packed)
    answers = answer_reference(weights, biases, units, packed)[:, : len(item)]
    frames = np.empty((len(latents), latents.shape[2] * SIDE, latents.shape[3] * SIDE, 3), np.uint8)
    scatter_patches_reference(answers, item, site, SIDE, target_mean, target_scale, frames)
    words[:] = frames.reshape(*frames.shape[:2], -1).view(np.uint64)


def sites_of(count: int, sites: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures and places of all sites in order."""
    item, site = np.divmod(np.arange(count * sites), sites)
    return item.astype(np.int32), site.astype(np.int32)


def answer_reference(weights: np.ndarray, biases: np.ndarray, units: np.ndarray, packed: np.ndarray) -> np.ndarray:
    """Answers of the last of several maps to packed inputs, (out, all lanes) float64."""
    values = packed.swapaxes(0, 1).reshape(packed.shape[1], -1).astype(np.float64)
    place = bias = 0
    for rows in units:
        matrix = weights[place : place + rows * len(values)].reshape(rows, -1).astype(np.float64)
        answers = np.tanh(matrix @ values + biases[bias : bias + rows, None])
        place, bias, values = place + matrix.size, bias + rows, np.vstack([values, answers])
    return answers


@serial
def cut_patch_run(words, item, y, x, border, gain, shift, column, count, values):
    """Patches of `count` sites of one row from (y, x) on into values[:in, column : column + count], standardised."""
    height, width = words.shape[1], words.shape[2] // WORDS
    side, reach = SIDE + 2 * border, (border + SIDE - 1) // SIDE
    # Columns of sites from `reach` before the first on: of each its bytes, one below the other.
    cells = np.empty((COLOURS, RUN + 2 * reach), np.float32)
    before, behind = min(reach, x), min(reach, width - x - count)
    for row in range(side):
        source = words[item, reflect(y * SIDE + row - border, height)]
        inside = source[WORDS * (x - before) : WORDS * (x + count + behind)]
        for word in range(WORDS):
            for byte in range(SIDE):
                line = cells[word * SIDE + byte, reach - before :]
                for s in range(before + count + behind):
                    line[s] = lowest_byte(np.int64(inside[WORDS * s + word] >> np.uint64(8 * byte)))
        for s in range(count + 2 * reach):
            if s < reach - before or s >= reach + count + behind:
                for phase in range(SIDE):
                    pixel = reflect((x - reach + s) * SIDE + phase, width * SIDE)
                    for colour in range(3):
                        byte = 3 * pixel + colour
                        level = source[byte // SIDE] >> np.uint64(8 * (byte % SIDE))
                        cells[3 * phase + colour, s] = lowest_byte(np.int64(level))
        for across in range(side):
            start = across - border + reach * SIDE
            for colour in range(3):
                i = (row * side + across) * 3 + colour
                levels, line = cells[start % SIDE * 3 + colour, start // SIDE :], values[i, column : column + count]
                by, off = gain[i], shift[i]
                for s in range(count):
                    line[s] = levels[s] * by + off


@serial
def encode_run(job, words, border, gain, shift, weights, biases, units, latents):
    """One job of `encode_patches`."""
    count, outputs, height, width = latents.shape
    inputs = gain.size
    lanes = min(RUN, count * height * width - job * RUN)
    values, last, sums = aligned(inputs + units.sum() - outputs), aligned(outputs), aligned(TILE)
    column = 0
    while column < lanes:
        item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
        cut_patch_run(words, item, y, x, border, gain, shift, column, some, values)
        column += some
    answer_run(weights, biases, units, inputs, lanes, values, sums, last)
    column = 0
    while column < lanes:
        item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
        for channel in range(outputs):
            for s in range(some):
                latents[item, channel, y, x + s] = last[channel, column + s]
        column += some


@kernel
def encode_patches(words, border, gain, shift, weights, biases, units, latents):
    """Latents of pictures, by an encoder of patches of 8 x 8 pixels; their scaling is left to the caller.

    Parameters
    ----------
    words : (m, 8 h, 3 w) uint64  the bytes of (m, 8 h, 8 w, 3) pixels
    border : pixels around a patch, reflected at the picture's edge
    gain, shift : (in,)  in = 3 * (8 + 2 * border)^2; an input is 8-bit level * gain + shift, see `level_scaling`
    weights, biases, units : of all maps; the last answers C numbers
    latents : (m, C, h, w)  written
    """
    jobs = (latents.shape[0] * latents.shape[2] * latents.shape[3] + RUN - 1) // RUN
    counter = np.zeros(1, np.int64)
    for _ in prange(HANDS):
        job = take_job(counter)
        while job < jobs:
            encode_run(job, words, border, gain, shift, weights, biases, units, latents)
            job = take_job(counter)


def encode_patches_reference(
    words: np.ndarray,
    border: int,
    gain: np.ndarray,
    shift: np.ndarray,
    weights: np.ndarray,
    biases: np.ndarray,
    units: np.ndarray,
    latents: np.ndarray,
) -> None:
    """NumPy twin of `encode_patches`."""
    frames = words.view(np.uint8).reshape(*words.shape[:2], -1, 3)
    item, site = sites_of(len(frames), latents.shape[2] * latents.shape[3])
    packed = np.empty((-(-len(item) // CHUNK), gain.size, CHUNK), np.float32)
    # An input is (level / 127.5 - 1 - mean) / scale.
    scale = ONE / (HALF_PIXEL * gain)
    gather_patches_reference(frames, item, site, SIDE, border, -shift * scale - ONE, scale, packed)
    answers = answer_reference(weights, biases, units, packed)[:, : len(item)]
    latents[:] = answers.reshape(len(answers), len(frames), *latents.shape[2:]).swapaxes(0, 1)
