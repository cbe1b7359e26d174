import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.jit import sharing
from olacore.kernels.codec import (
    RUN,
    decode_windows,
    decode_windows_reference,
    encode_patches,
    encode_patches_reference,
)
from olacore.kernels.gather import gather_windows, input_levels
from olacore.kernels.layout import empty_packed
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, seeds

# Pictures, rows and columns of sites: less than a job, jobs across rows and pictures, rows longer than a job.
shapes = st.sampled_from([(1, 1, 1), (2, 3, 5), (3, 9, 7), (1, 2, RUN + 3)] if COMPILED else [(1, 1, 2)])
hidden = st.sampled_from([(), (7,), (5, 13)] if COMPILED else [(), (2,)])
windows, borders = (
    st.sampled_from([1, 3, 5] if COMPILED else [1, 3]),
    st.sampled_from([0, 1, 4, 9] if COMPILED else [1]),
)
channels = st.sampled_from([1, 4])


def maps(rng, width, *units):
    weights, biases = [], []
    for rows in units:
        weights.append(normal(rng, rows * width, scale=width**-0.5))
        biases.append(normal(rng, rows, scale=0.1))
        width += rows
    return np.concatenate(weights), np.concatenate(biases), np.array(units, np.int64)


def decoder(seed, shape, units, window, channels):
    rng = np.random.default_rng(seed)
    count, height, width = shape
    latents = normal(rng, count, channels, height, width).astype(np.float16).view(np.uint16)
    inputs = channels * window**2
    scaling = normal(rng, inputs), np.exp(normal(rng, inputs))
    target = normal(rng, 192, scale=0.1), np.exp(normal(rng, 192, scale=0.1))
    return latents, window, *scaling, *maps(rng, inputs, *units, 192), *target


def encoder(seed, shape, units, border, channels):
    rng = np.random.default_rng(seed)
    count, height, width = shape
    words = rng.integers(0, 256, (count, 8 * height, 24 * width), np.uint8).view(np.uint64)
    inputs = 3 * (8 + 2 * border) ** 2
    levels = input_levels(normal(rng, inputs), np.exp(normal(rng, inputs)))
    return words, border, *levels, *maps(rng, inputs, *units, channels)


def decode(kernel, arguments):
    count, _, height, width = arguments[0].shape
    words = np.full((count, 8 * height, 3 * width), 7, np.uint64)
    kernel(*arguments, words)
    return words.view(np.uint8)


def encode(kernel, arguments):
    words, outputs = arguments[0], arguments[-1][-1]
    latents = np.full((len(words), outputs, words.shape[1] // 8, words.shape[2] // 3), 7, np.float32)
    kernel(*arguments, latents)
    return latents


both = pytest.mark.parametrize(
    ("make", "run", "kernel"), [(decoder, decode, decode_windows), (encoder, encode, encode_patches)]
)


@given(seed=seeds, shape=shapes, units=hidden, window=windows, channels=channels)
@few
def test_decode_windows__equals_twin(seed, shape, units, window, channels):
    arguments = decoder(seed, shape, units, window, channels)
    got, twin = decode(decode_windows, arguments), decode(decode_windows_reference, arguments)
    # A value that lies between two levels is rounded to either.
    assert np.abs(got.astype(int) - twin).max() <= 1


@given(seed=seeds, shape=shapes, units=hidden, border=borders, channels=channels)
@few
def test_encode_patches__equals_twin(seed, shape, units, border, channels):
    arguments = encoder(seed, shape, units, border, channels)
    # Up to 2,028 terms, each rounded to 6e-8 of the running sum.
    got, twin = encode(encode_patches, arguments), encode(encode_patches_reference, arguments)
    np.testing.assert_allclose(got, twin, rtol=0, atol=2e-5)


@both
def test_codec__same_bits_for_any_number_of_threads(make, run, kernel, monkeypatch):
    monkeypatch.setattr(sharing, "WORTH_A_THREAD", 1)
    arguments = make(3, (2, 11, 13) if COMPILED else (1, 1, 2), (9,), 3, 4)
    one = run_with_threads(1, lambda: run(kernel, arguments))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: run(kernel, arguments)))


@both
def test_codec__bits_do_not_depend_on_what_comes_before(make, run, kernel):
    given_, *rest = make(4, (2, 5, 3) if COMPILED else (2, 1, 1), (9,), 3, 4)
    whole = run(kernel, (given_, *rest))
    np.testing.assert_array_equal(run(kernel, (given_[1:].copy(), *rest)), whole[1:])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_encode_patches__bad_weight_stays_in_its_channel(bad):
    arguments = encoder(5, (1, 2, 3) if COMPILED else (1, 1, 1), (), 1, 4)
    clean = encode(encode_patches, arguments)
    arguments[4][2 * arguments[2].size] = bad
    hit = encode(encode_patches, arguments)
    np.testing.assert_array_equal(np.delete(hit, 2, 1), np.delete(clean, 2, 1))
    assert np.isnan(bad) == np.isnan(hit[:, 2]).all()


def test_decode_windows__reads_every_float16():
    # All 65,536 bit patterns as one column of sites, through a map that saturates with their sign, NaN being black.
    bits = np.arange(1 << 16 if COMPILED else 4, dtype=np.uint16).reshape(1, 1, -1, 1)
    weights, rest = np.ones(192, np.float32), (np.zeros(192, np.float32), np.ones(192, np.float32))
    units = np.array([192], np.int64)
    one = np.zeros(1, np.float32), np.full(1, 1e-12, np.float32)
    got = decode(decode_windows, (bits, 1, *one, weights, np.zeros(192, np.float32), units, *rest))[0, ::8, 0]
    values = bits.reshape(-1).view(np.float16).astype(np.float32)
    known = ~np.isnan(values)
    expected = np.clip(np.rint(127.5 * (np.sign(values[known]) + 1)), 0, 255)
    np.testing.assert_array_equal(got[known], expected)


def test_decode_windows__cuts_what_gather_windows_cuts():
    latents, window, mean, scale, *_ = decoder(6, (2, 5, 9) if COMPILED else (1, 1, 2), (), 3, 4)
    count = latents.shape[0] * latents.shape[2] * latents.shape[3]
    item, site = (part.astype(np.int32) for part in np.divmod(np.arange(count), count // len(latents)))
    packed = empty_packed(count, mean.size)
    gather_windows(latents, item, site, window, mean, scale, packed)
    # A map that hands one input on, through a tanh that is nearly straight, to all colours of a patch.
    weights = np.zeros((192, mean.size), np.float32)
    weights[:, 5] = 0.01
    scaling = np.zeros(192, np.float32), np.full(192, 20, np.float32)
    given_ = latents, window, mean, scale, weights.reshape(-1), np.zeros(192, np.float32), np.array([192], np.int64)
    got = decode(decode_windows, (*given_, *scaling)).reshape(len(latents), latents.shape[2] * 8, -1, 3)
    values = packed.swapaxes(1, 2).reshape(-1, mean.size)[:count, 5].astype(np.float64)
    expected = np.clip(np.rint(127.5 * (20 * np.tanh(0.01 * values) + 1)), 0, 255)
    found = got[:, ::8, ::8, 0].reshape(-1)
    assert np.abs(found - expected).max() <= 1
