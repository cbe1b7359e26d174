"""Refiners of blocks in one pass over a picture: cut, standardise, multiply, tanh, add to what was drawn.

As `codec.py`: a job takes RUN blocks in the order of their pictures. Blocks may be of any size, so pixels are taken
apart byte by byte; that is a small part of the work even where blocks are pixels.
"""

import numpy as np

from olacore.jit.flags import serial, work
from olacore.jit.sharing import handed_out
from olacore.kernels.codec import (
    BLOCK,
    RUN,
    aligned,
    answer_maps,
    answer_reference,
    cut_window_run,
    locate_run,
    pack_maps,
    sites_of,
)
from olacore.kernels.gather import gather_patches_reference, gather_windows_reference, level_scaling, reflect
from olacore.kernels.handing import take_job
from olacore.kernels.layout import CHUNK
from olacore.kernels.scatter import HALF_PIXEL, ONE, scatter_patches_reference, to_level
from olacore.kernels.tile import LANES, TILE


@serial
def spread_levels(line, size, x, count, reach, cells):
    """Bytes of a row of pixels (W, 3) as numbers, (3 size, count + 2 reach): of each column of blocks one below the
    other, from `reach` blocks before x on; what lies outside of the picture is reflected, pixel by pixel.
    """
    width, levels = line.shape[0], line.reshape(-1)
    first, last = max(reach - x, 0), min(count + 2 * reach, width // size - x + reach)
    start, stop = 3 * size * (x - reach + first), 3 * size * (x - reach + last)
    for k in range(3 * size):
        source, found = levels[start + k : stop : 3 * size], cells[k, first:last]
        for s in range(last - first):
            found[s] = np.float32(source[s])
    for s in range(count + 2 * reach):
        if first <= s < last:
            continue
        for phase in range(size):
            pixel = reflect((x - reach + s) * size + phase, width)
            for colour in range(3):
                cells[3 * phase + colour, s] = np.float32(line[pixel, colour])


@serial
def cut_block_run(picture, size, border, y, x, gain, shift, column, count, cells, values, drawn):
    """Patches of `count` blocks of one row from (y, x) on into values[:, column:], standardised, and the levels of the
    blocks themselves, (3 size^2, RUN) float32, into drawn[:, column:].
    """
    height, side, reach, row_size = picture.shape[0], size + 2 * border, (border + size - 1) // size, 3 * size
    for row in range(side):
        spread_levels(picture[reflect(y * size + row - border, height)], size, x, count, reach, cells)
        for across in range(3 * side):
            begin = across + 3 * (reach * size - border)
            levels = cells[begin % row_size, begin // row_size : begin // row_size + count]
            i = row * 3 * side + across
            line, by, off = values[i, column : column + count], gain[i], shift[i]
            for s in range(count):
                line[s] = levels[s] * by + off
        for k in range(row_size if border <= row < border + size else 0):
            drawn[(row - border) * row_size + k, column : column + count] = cells[k, reach : reach + count]


@work
def refine_jobs(
    counter,
    frames,
    latents,
    size,
    border,
    window,
    mean,
    scale,
    packs,
    biases,
    units,
    target_mean,
    target_scale,
    out,
):
    """Jobs of `refine_blocks` until none are left."""
    count, height, width = frames.shape[0], frames.shape[1] // size, frames.shape[2] // size
    seen, inputs, outputs, row_size = 3 * (size + 2 * border) ** 2, mean.size, target_mean.size, 3 * size
    gain, shift = level_scaling(mean[:seen], scale[:seen])
    some_mean, some_scale = mean[seen:], scale[seen:]
    drawn_gain, drawn_shift = level_scaling(np.zeros(outputs, np.float32), target_scale)
    jobs, job = (count * height * width + RUN - 1) // RUN, take_job(counter)
    if job >= jobs:
        return
    values, levels = aligned(inputs + units.sum() + TILE), np.empty((outputs, RUN), np.uint8)
    drawn = np.zeros((outputs, RUN), np.float32)
    cells = np.empty((row_size, RUN + 2 * ((border + size - 1) // size)), np.float32)
    last = values[inputs + units.sum() - outputs :]
    while job < jobs:
        lanes, column = min(RUN, count * height * width - job * RUN), np.int64(0)
        while column < lanes:
            item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
            cut_block_run(frames[item], size, border, y, x, gain, shift, column, some, cells, values, drawn)
            if inputs > seen:
                cut_window_run(latents, item, y, x, window, some_mean, some_scale, column, some, values[seen:])
            column += some
        answer_maps(0, packs, biases, units, inputs, (lanes + LANES - 1) // LANES * LANES, values)
        for i in range(outputs):
            # A loop of its own: what was drawn is rounded in the scale of the targets, and added then.
            by, off = drawn_gain[i], drawn_shift[i]
            for s in range(RUN):
                drawn[i, s] = drawn[i, s] * by + off
        for i in range(outputs):
            by, off = target_scale[i] * HALF_PIXEL, (target_mean[i] + ONE) * HALF_PIXEL
            for s in range(RUN):
                levels[i, s] = np.uint8(to_level((last[i, s] + drawn[i, s]) * by + off))
        column = np.int64(0)
        while column < lanes:
            item, y, x, some = locate_run(job * RUN + column, lanes - column, height, width)
            for row in range(size):
                line = out[item, y * size + row].reshape(-1)[row_size * x : row_size * (x + some)]
                for k in range(row_size):
                    target, found = line[k::row_size], levels[row * row_size + k, column : column + some]
                    for s in range(some):
                        target[s] = found[s]
            column += some
        job = take_job(counter)


@handed_out(refine_jobs)
def refine_blocks(
    frames,
    latents,
    size,
    border,
    window,
    mean,
    scale,
    weights,
    biases,
    units,
    target_mean,
    target_scale,
    out,
):
    """Pictures without the errors that a refiner sees in them.

    Parameters
    ----------
    frames : (m, H, W, 3) uint8
    latents : (m, C, H / size, W / size) uint16  the bits of float16 numbers; (m, 0, 1, 1) where none are read
    size : side of a block in pixels, a divisor of H and W
    border : pixels around a block, reflected at the picture's edge
    window : sites along a side that are read of the latents, odd; edge sites are repeated; 0 for none
    mean, scale : (in,)  in = 3 * (size + 2 * border)^2 + C * window^2; an input is (value - mean) / scale, the value
        of a pixel being u8 / 127.5 - 1
    weights, biases, units : of all maps; the last answers the errors of size^2 pixels, in (row, column, channel) order
    target_mean, target_scale : (3 size^2,); 127.5 (answer * scale + mean) is added to a pixel
    out : (m, H, W, 3) uint8  written, rounded and clipped
    """
    packs = pack_maps(weights, units, mean.size, BLOCK)
    multiply_adds = weights.size * (frames.size // (3 * size * size))
    return multiply_adds, (
        frames,
        latents,
        size,
        border,
        window,
        mean,
        scale,
        packs,
        biases,
        units,
        target_mean,
        target_scale,
        out,
    )


def refine_blocks_reference(
    frames: np.ndarray,
    latents: np.ndarray,
    size: int,
    border: int,
    window: int,
    mean: np.ndarray,
    scale: np.ndarray,
    weights: np.ndarray,
    biases: np.ndarray,
    units: np.ndarray,
    target_mean: np.ndarray,
    target_scale: np.ndarray,
    out: np.ndarray,
) -> None:
    """NumPy twin of `refine_blocks`."""
    count, height, width, _ = frames.shape
    item, site = sites_of(count, (height // size) * (width // size))
    seen = 3 * (size + 2 * border) ** 2
    packed = np.empty((-(-len(item) // CHUNK), mean.size, CHUNK), np.float32)
    gather_patches_reference(frames, item, site, size, border, mean[:seen], scale[:seen], packed[:, :seen])
    if mean.size > seen:
        gather_windows_reference(latents, item, site, window, mean[seen:], scale[seen:], packed[:, seen:])
    answers = answer_reference(weights, biases, units, packed)[:, : len(item)]
    drawn = frames.reshape(count, height // size, size, width // size, size, 3).transpose(2, 4, 5, 0, 1, 3)
    answers += (drawn.reshape(len(answers), -1) / 127.5 - 1) / target_scale[:, None]
    scatter_patches_reference(answers, item, site, size, target_mean, target_scale, out)
