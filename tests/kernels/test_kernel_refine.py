import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.jit import sharing
from olacore.kernels.codec import RUN
from olacore.kernels.gather import gather_drawn
from olacore.kernels.layout import empty_packed
from olacore.kernels.refine import refine_blocks, refine_blocks_reference
from tests.kernels.test_kernel_codec import hidden, maps
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, seeds

# Pictures, rows and columns of blocks: less than a job, jobs across rows and pictures, rows longer than a job.
shapes = st.sampled_from([(1, 1, 1), (2, 3, 5), (3, 9, 7), (1, 2, RUN + 3)] if COMPILED else [(1, 1, 2)])
sizes = st.sampled_from([1, 2, 3, 8] if COMPILED else [1, 2])
borders, windows = st.sampled_from([0, 1, 3, 5] if COMPILED else [1]), st.sampled_from([0, 1, 3])


def refiner(seed, shape, units, size, border, window, channels=4):
    """Arguments of the kernel but its output; without a window no latents are read."""
    rng = np.random.default_rng(seed)
    count, height, width = shape
    frames = rng.integers(0, 256, (count, size * height, size * width, 3), np.uint8)
    channels, sites = (channels, (height, width)) if window else (0, (1, 1))
    latents = normal(rng, count, channels, *sites).astype(np.float16).view(np.uint16)
    inputs, outputs = 3 * (size + 2 * border) ** 2 + channels * window**2, 3 * size**2
    scaling = normal(rng, inputs), np.exp(normal(rng, inputs))
    target = normal(rng, outputs, scale=0.1), np.exp(normal(rng, outputs, scale=0.1))
    return frames, latents, size, border, window, *scaling, *maps(rng, inputs, *units, outputs), *target


def refine(kernel, arguments):
    out = np.full_like(arguments[0], 7)
    kernel(*arguments, out)
    return out


@given(seed=seeds, shape=shapes, units=hidden, size=sizes, border=borders, window=windows)
@few
def test_refine_blocks__equals_twin(seed, shape, units, size, border, window):
    arguments = refiner(seed, shape, units, size, border, window)
    got, twin = refine(refine_blocks, arguments), refine(refine_blocks_reference, arguments)
    # A value that lies between two levels is rounded to either.
    assert np.abs(got.astype(int) - twin).max() <= 1


@pytest.mark.parametrize("window", [0, 3])
def test_refine_blocks__same_bits_for_any_number_of_threads(window, monkeypatch):
    monkeypatch.setattr(sharing, "WORTH_A_THREAD", 1)
    arguments = refiner(3, (2, 11, 13) if COMPILED else (1, 1, 2), (9,), 2, 3, window)
    one = run_with_threads(1, lambda: refine(refine_blocks, arguments))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: refine(refine_blocks, arguments)))


def test_refine_blocks__bits_do_not_depend_on_what_comes_before():
    frames, latents, *rest = refiner(4, (2, 5, 3) if COMPILED else (2, 1, 1), (9,), 2, 1, 3)
    whole = refine(refine_blocks, (frames, latents, *rest))
    later = refine(refine_blocks, (frames[1:].copy(), latents[1:].copy(), *rest))
    np.testing.assert_array_equal(later, whole[1:])


def test_refine_blocks__a_map_of_zeros_leaves_a_picture_as_it_is():
    frames, latents, size, border, window, *_ = refiner(5, (1, 3, 5) if COMPILED else (1, 1, 1), (), 2, 3, 0)
    inputs, outputs = 192, 12
    none, ones = (np.zeros(n, np.float32) for n in (inputs, outputs)), (np.ones(n, np.float32) for n in (inputs, 12))
    (mean, shift), (scale, gain) = none, ones
    weights, units = np.zeros(outputs * inputs, np.float32), np.array([outputs], np.int64)
    biases = np.zeros(outputs, np.float32)
    given_ = frames, latents, size, border, window, mean, scale, weights, biases, units, shift, gain
    np.testing.assert_array_equal(refine(refine_blocks, given_), frames)


def test_refine_blocks__cuts_what_gather_drawn_cuts():
    size, border, window = 2, 3, 3
    arguments = refiner(6, (2, 5, 9) if COMPILED else (1, 1, 2), (), size, border, window)
    frames, latents, _, _, _, mean, scale, *_ = arguments
    count = latents.shape[0] * latents.shape[2] * latents.shape[3]
    item, site = (part.astype(np.int32) for part in np.divmod(np.arange(count), count // len(latents)))
    packed = empty_packed(count, mean.size)
    gather_drawn(frames, latents, item, site, size, border, window, mean, scale, packed)
    drawn = frames[:, ::size, ::size, 0].reshape(-1)
    for i in (0, 100, 191, mean.size - 5):
        # A map that hands one input on, through a tanh that is nearly straight, to all colours of a block.
        weights = np.zeros((12, mean.size), np.float32)
        weights[:, i] = 0.01
        answered = np.zeros(12, np.float32), np.full(12, 20, np.float32)
        flat = weights.reshape(-1), np.zeros(12, np.float32), np.array([12], np.int64)
        got = refine(refine_blocks, (frames, latents, size, border, window, mean, scale, *flat, *answered))
        values = packed.swapaxes(1, 2).reshape(-1, mean.size)[:count, i].astype(np.float64)
        expected = np.clip(np.rint(127.5 * 20 * np.tanh(0.01 * values) + drawn), 0, 255)
        assert np.abs(got[:, ::size, ::size, 0].reshape(-1) - expected).max() <= 1
