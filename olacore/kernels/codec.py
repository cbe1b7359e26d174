"""Encoders and decoders of patches in one pass over a picture: cut, standardise, multiply, tanh, assemble.

A job takes RUN sites in the order of their pictures and keeps all that it computes in the nearest caches. Sites that
lie side by side in a row have their inputs side by side too, so that rows are cut by copying; `gather.py` and
`scatter.py` do the same for sites in any order.

The maps of a module come one behind the other: `units` (maps,) has the rows of each, weights and biases are flat. A map
reads the standardised inputs and what all maps before it answered.
"""

import numpy as np

from olacore.jit.flags import device, serial, work
from olacore.jit.sharing import handed_out
from olacore.kernels.bytes import spread_words
from olacore.kernels.gather import (
    decode_half,
    gather_patches_reference,
    gather_windows_reference,
    reflect,
)
from olacore.kernels.handing import take_job
from olacore.kernels.layout import CHUNK
from olacore.kernels.packs import FEW, multiply_pack, pack_size, pack_weights
from olacore.kernels.scatter import HALF_PIXEL, ONE, scatter_patches_reference, to_level
from olacore.kernels.tanh import tanh32
from olacore.kernels.tile import LANES, TILE

# Sites of a job. The inputs and the hidden answers of 1,024 rows take 256 kB.
RUN = 64
# Inputs of a block: its RUN sites take 24 kB of the first cache.
BLOCK = 96
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


@work
def pack_maps(weights, units, inputs, block):
    """The weights of all maps in the order in which they are read; the first map's in blocks of so many inputs."""
    size, width = 0, inputs
    for rows in units:
        size += pack_size(rows, width)
        width += rows
    packs = np.empty(size, np.float32)
    place, start, width = 0, 0, inputs
    for number in range(units.size):
        rows = units[number]
        some = pack_size(rows, width)
        matrix = weights[start : start + rows * width].reshape(rows, width)
        pack_weights(matrix, block if number == 0 else BLOCK, packs[place : place + some])
        place, start, width = place + some, start + rows * width, width + rows
    return packs


@serial
def answer_block(packs, biases, begins, ends, values, lanes, sums):
    """What a block of inputs (in, RUN) adds to the sums (rows and room for a tile, RUN) of a map, and the numbers read.

    Where it ends the map, its answers take the place of the sums.
    """
    rows, place = biases.size, 0
    for first in range(0, rows, TILE):
        height = TILE if rows - first > FEW else FEW
        multiply_pack(packs[place:], height, biases[first:], begins, values, lanes, sums[first:])
        place += height * values.shape[0]
        for t in range(min(height, rows - first) if ends else 0):
            # All of it, so that a site's bits do not depend on its place in a vector loop.
            line = sums[first + t]
            for s in range(RUN):
                line[s] = tanh32(line[s])
    return place


@serial
def answer_maps(number, packs, biases, units, width, lanes, values):
    """Run all maps from one on, of which values[:width] has the inputs, and write their answers behind these."""
    place = bias = 0
    for known in range(number):
        bias += units[known]
    for known in range(number, units.size):
        rows = units[known]
        for start in range(0, width, BLOCK):
            stop = min(start + BLOCK, width)
            some = values[start:stop]
            shifts = biases[bias : bias + rows]
            place += answer_block(packs[place:], shifts, start == 0, stop == width, some, lanes, values[width:])
        bias, width = bias + rows, width + rows


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


@work
def decode_jobs(counter, latents, window, mean, scale, packs, biases, units, target_mean, target_scale, words):
    """Jobs of `decode_windows` until none are left."""
    count, _, height, width = latents.shape
    inputs, outputs = mean.size, target_mean.size
    jobs, job = (count * height * width + RUN - 1) // RUN, take_job(counter)
    if job >= jobs:
        return
    values, levels = aligned(inputs + units.sum() + TILE), np.empty((outputs, RUN), np.int32)
    last = values[inputs + units.sum() - outputs :]
    while job < jobs:
        lanes, column = min(RUN, count * height * width - job * RUN), np.int64(0)
        while column < lanes:
            item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
            cut_window_run(latents, item, y, x, window, mean, scale, column, some, values)
            column += some
        answer_maps(0, packs, biases, units, inputs, (lanes + LANES - 1) // LANES * LANES, values)
        for i in range(outputs):
            gain, shift = target_scale[i] * HALF_PIXEL, (target_mean[i] + ONE) * HALF_PIXEL
            for s in range(RUN):
                levels[i, s] = to_level(last[i, s] * gain + shift)
        column = np.int64(0)
        while column < lanes:
            item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
            for row in range(SIDE):
                join_run(levels, row, column, some, words[item, y * SIDE + row, WORDS * x : WORDS * (x + some)])
            column += some
        job = take_job(counter)


@handed_out(decode_jobs)
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
    packs = pack_maps(weights, units, mean.size, BLOCK)
    multiply_adds = weights.size * latents.shape[0] * latents.shape[2] * latents.shape[3]
    return multiply_adds, (latents, window, mean, scale, packs, biases, units, target_mean, target_scale, words)


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
def spread_row(source, x, count, reach, cells):
    """Bytes of a row of pixels as numbers, (COLOURS, count + 2 reach): of each column of sites one below the other.

    Columns from `reach` before x on; what lies outside of the picture is reflected, pixel by pixel.
    """
    width, levels = source.size // WORDS, source.view(np.uint8)
    before, behind = min(reach, x), min(reach, width - x - count)
    total, start, place = before + count + behind, reach - before, WORDS * (x - before)
    whole = total // SIDE * SIDE
    for word in range(WORDS):
        for s in range(0, whole, SIDE):
            spread_words(source, place + WORDS * s + word, WORDS, cells, SIDE * word, start + s)
    for s in range(count + 2 * reach):
        if start <= s < start + whole:
            continue
        for phase in range(SIDE):
            pixel = reflect((x - reach + s) * SIDE + phase, width * SIDE)
            for colour in range(3):
                cells[3 * phase + colour, s] = np.float32(levels[3 * pixel + colour])


@serial
def cut_patch_rows(words, item, y, x, border, start, stop, gain, shift, column, count, cells, values):
    """Rows `start` to `stop` of the patches of `count` sites from (y, x) on into values[:, column:], standardised."""
    height, side, reach = words.shape[1], SIDE + 2 * border, (border + SIDE - 1) // SIDE
    for row in range(start, stop):
        spread_row(words[item, reflect(y * SIDE + row - border, height)], x, count, reach, cells)
        for across in range(side):
            begin = across - border + reach * SIDE
            for colour in range(3):
                i = (row * side + across) * 3 + colour
                levels = cells[begin % SIDE * 3 + colour, begin // SIDE : begin // SIDE + count]
                line = values[i - start * side * 3, column : column + count]
                by, off = gain[i], shift[i]
                for s in range(count):
                    line[s] = levels[s] * by + off


@work
def encode_jobs(counter, words, border, gain, shift, packs, biases, units, at_once, latents):
    """Jobs of `encode_patches` until none are left."""
    count, outputs, height, width = latents.shape
    inputs, rows, side = gain.size, units[0], SIDE + 2 * border
    jobs, job = (count * height * width + RUN - 1) // RUN, take_job(counter)
    if job >= jobs:
        return
    # One map alone reads a block once; others read all inputs again.
    kept = inputs if units.size > 1 else 3 * side * at_once
    values = aligned(kept + units.sum() + TILE)
    cells = np.empty((COLOURS, RUN + 2 * ((border + SIDE - 1) // SIDE)), np.float32)
    last = values[kept + units.sum() - outputs :]
    while job < jobs:
        lanes, place = min(RUN, count * height * width - job * RUN), 0
        filled = (lanes + LANES - 1) // LANES * LANES
        for start in range(0, side, at_once):
            stop, column = min(start + at_once, side), np.int64(0)
            block = (
                values[3 * side * start : 3 * side * stop] if kept == inputs else values[: 3 * side * (stop - start)]
            )
            while column < lanes:
                item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
                cut_patch_rows(words, item, y, x, border, start, stop, gain, shift, column, some, cells, block)
                column += some
            place += answer_block(packs[place:], biases[:rows], start == 0, stop == side, block, filled, values[kept:])
        answer_maps(1, packs[place:], biases, units, kept + rows, filled, values)
        column = np.int64(0)
        while column < lanes:
            item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
            for channel in range(outputs):
                for s in range(some):
                    latents[item, channel, y, x + s] = last[channel, column + s]
            column += some
        job = take_job(counter)


@handed_out(encode_jobs)
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
    side = SIDE + 2 * border
    # Rows of pixels of a patch that make a block.
    at_once = max(min(BLOCK // (3 * side), side), 1)
    packs = pack_maps(weights, units, gain.size, 3 * side * at_once)
    multiply_adds = weights.size * latents.shape[0] * latents.shape[2] * latents.shape[3]
    return multiply_adds, (words, border, gain, shift, packs, biases, units, at_once, latents)


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
