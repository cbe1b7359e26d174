import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.gather import (
    gather_drawn,
    gather_drawn_reference,
    gather_noisy,
    gather_noisy_reference,
    gather_patch_targets,
    gather_patch_targets_reference,
    gather_patches,
    gather_patches_reference,
    gather_sites,
    gather_sites_reference,
    gather_windows,
    gather_windows_reference,
)
from olacore.kernels.layout import empty_packed, unpack_rows_reference
from tests.support.kernel_cases import COMPILED, few, run_with_threads, seeds

counts = st.sampled_from([1, 15, 16, 17, 256, 300] if COMPILED else [1, 17])
# u8 / 127.5, mean, scale, gain and shift are each rounded once; values reach 2 / 0.5.
TOLERANCE = {"rtol": 2e-6, "atol": 2e-6}


def pictures(seed, rows, columns, size, n):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (3, rows * size, columns * size, 3), np.uint8)
    item, site = rng.integers(0, 3, n).astype(np.int32), rng.integers(0, rows * columns, n).astype(np.int32)
    return rng, frames, item, site


def latents(seed, channels, rows, columns, n):
    rng = np.random.default_rng(seed)
    values = (rng.standard_normal((3, channels, rows, columns)) * 2).astype(np.float16)
    item, site = rng.integers(0, 3, n).astype(np.int32), rng.integers(0, rows * columns, n).astype(np.int32)
    return rng, values.view(np.uint16), item, site


def standard(rng, count):
    return rng.uniform(-1, 1, count).astype(np.float32), rng.uniform(0.5, 2, count).astype(np.float32)


def patches(function, frames, item, site, size, border, mean, scale):
    out = empty_packed(len(item), len(mean))
    out[:] = 7
    function(frames, item, site, size, border, mean, scale, out)
    return out


def windows(function, bits, item, site, window, mean, scale):
    out = empty_packed(len(item), len(mean))
    out[:] = 7
    function(bits, item, site, window, mean, scale, out)
    return out


@given(
    seed=seeds,
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    size=st.sampled_from([1, 2, 3, 8] if COMPILED else [1, 2]),
    border=st.integers(0, 5 if COMPILED else 1),
    n=counts,
)
@few
def test_gather_patches__equals_twin(seed, rows, columns, size, border, n):
    rng, frames, item, site = pictures(seed, rows, columns, size, n)
    case = (frames, item, site, size, border, *standard(rng, (size + 2 * border) ** 2 * 3))
    np.testing.assert_allclose(patches(gather_patches, *case), patches(gather_patches_reference, *case), **TOLERANCE)


@given(seed=seeds, rows=st.integers(1, 3), columns=st.integers(1, 3), size=st.sampled_from([1, 2, 8]), n=counts)
@few
def test_gather_patch_targets__equals_twin(seed, rows, columns, size, n):
    rng, frames, item, site = pictures(seed, rows, columns, size, n)
    shift, scale = standard(rng, size * size * 3)
    out, expected = np.full((len(shift), n), 7, np.float32), np.empty((len(shift), n), np.float32)
    gather_patch_targets(frames, item, site, size, shift, scale, out)
    gather_patch_targets_reference(frames, item, site, size, shift, scale, expected)
    np.testing.assert_allclose(out, expected, **TOLERANCE)


@given(
    seed=seeds,
    channels=st.sampled_from([1, 4]),
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    window=st.sampled_from([1, 3, 5] if COMPILED else [1, 3]),
    n=counts,
)
@few
def test_gather_windows__equals_twin(seed, channels, rows, columns, window, n):
    rng, bits, item, site = latents(seed, channels, rows, columns, n)
    case = (bits, item, site, window, *standard(rng, channels * window**2))
    np.testing.assert_allclose(windows(gather_windows, *case), windows(gather_windows_reference, *case), **TOLERANCE)


@given(seed=seeds, channels=st.sampled_from([1, 4, 16]), rows=st.integers(1, 4), columns=st.integers(1, 4), n=counts)
@few
def test_gather_sites__equals_twin(seed, channels, rows, columns, n):
    rng, bits, item, site = latents(seed, channels, rows, columns, n)
    shift, scale = standard(rng, channels)
    out, expected = np.full((channels, n), 7, np.float32), np.empty((channels, n), np.float32)
    gather_sites(bits, item, site, shift, scale, out)
    gather_sites_reference(bits, item, site, shift, scale, expected)
    np.testing.assert_allclose(out, expected, **TOLERANCE)


def test_gather_sites__decodes_every_half_precision_number():
    bits = np.arange(0, 65536, 1 if COMPILED else 257, dtype=np.uint16)
    n = len(bits)
    out = np.empty((1, n), np.float32)
    none, site = np.zeros(n, np.int32), np.arange(n, dtype=np.int32)
    gather_sites(bits.reshape(1, 1, 1, n), none, site, np.zeros(1, np.float32), np.ones(1, np.float32), out)
    expected = bits.view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(out[0], expected)
    number = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(out[0, number]), np.signbit(expected[number]))


def test_gather_patches__reflects_without_repeating_the_edge():
    frames = np.arange(16, dtype=np.uint8).repeat(3).reshape(1, 4, 4, 3)
    zero = np.zeros(1, np.int32)
    mean, scale = np.full(48, -1, np.float32), np.full(48, 1 / 127.5, np.float32)
    out = patches(gather_patches, frames, zero, zero, 2, 1, mean, scale)[0, ::3, 0].reshape(4, 4)
    np.testing.assert_allclose(out, [[5, 4, 5, 6], [1, 0, 1, 2], [5, 4, 5, 6], [9, 8, 9, 10]], atol=1e-4)


@given(seed=seeds, piece=st.integers(1, 40 if COMPILED else 4))
@few
def test_gather_patches__bits_of_a_sample_do_not_depend_on_its_place(seed, piece):
    n = 70 if COMPILED else 6
    rng, frames, item, site = pictures(seed, 3, 3, 2, n)
    inputs, targets = standard(rng, 48), standard(rng, 12)

    def cut(part):
        rows, columns = np.empty((len(item[part]), 48), np.float32), np.empty((12, len(item[part])), np.float32)
        unpack_rows_reference(patches(gather_patches, frames, item[part], site[part], 2, 1, *inputs), rows)
        gather_patch_targets(frames, item[part], site[part], 2, *targets, columns)
        return np.concatenate((rows.T, columns))

    parts = [cut(slice(start, start + piece)) for start in range(0, n, piece)]
    np.testing.assert_array_equal(np.concatenate(parts, 1), cut(slice(n)))


@pytest.mark.skipif(not COMPILED, reason="one thread without the JIT")
def test_gather__same_bits_for_any_number_of_threads():
    rng, frames, item, site = pictures(1, 3, 3, 8, 700)
    case = (gather_patches, frames, item, site, 8, 4, *standard(rng, 768))
    np.testing.assert_array_equal(*(run_with_threads(count, lambda: patches(*case)) for count in (1, 2)))
    rng, bits, item, site = latents(1, 4, 9, 9, 700)
    window_case = (gather_windows, bits, item, site, 3, *standard(rng, 36))
    np.testing.assert_array_equal(*(run_with_threads(count, lambda: windows(*window_case)) for count in (1, 2)))


@given(
    seed=seeds,
    rows=st.integers(1, 4),
    columns=st.integers(1, 4),
    text_window=st.sampled_from([0, 1, 3]),
    filtered=st.booleans(),
    known=st.sampled_from([0, 2]),
    n=counts,
)
@few
def test_gather_noisy__equals_twin(seed, rows, columns, text_window, filtered, known, n):
    rng, bits, item, site = latents(seed, 2, rows, columns, n)
    none = np.empty((3, 0, 1, 1), np.uint16)
    means = latents(seed + 1, 2, rows, columns, n)[1] if text_window else none
    estimates = latents(seed + 2, 2, rows, columns, n)[1] if text_window and filtered else none
    numbers = rng.standard_normal((3, known), np.float32)
    mean, scale = standard(rng, 2 * 9 + (1 + filtered) * 2 * text_window**2 + known + 2)
    found, expected = empty_packed(n, len(mean)), empty_packed(n, len(mean))
    found[:] = 7
    gather_noisy(bits, means, estimates, numbers, item, site, 3, text_window, mean, scale, found)
    gather_noisy_reference(bits, means, estimates, numbers, item, site, 3, text_window, mean, scale, expected)
    np.testing.assert_allclose(found, expected, **TOLERANCE)


def drawn(function, frames, bits, item, site, size, border, window, mean, scale):
    out = empty_packed(len(item), len(mean))
    out[:] = 7
    function(frames, bits, item, site, size, border, window, mean, scale, out)
    return out


@given(
    seed=seeds,
    rows=st.integers(1, 3),
    columns=st.integers(1, 3),
    size=st.sampled_from([1, 2, 8] if COMPILED else [1, 2]),
    border=st.integers(0, 4 if COMPILED else 1),
    window=st.sampled_from([1, 3]),
    n=counts,
)
@few
def test_gather_drawn__equals_twin(seed, rows, columns, size, border, window, n):
    rng, frames, item, site = pictures(seed, rows, columns, size, n)
    bits = latents(seed, 2, rows, columns, n)[1]
    case = (frames, bits, item, site, size, border, window)
    case = (*case, *standard(rng, 3 * (size + 2 * border) ** 2 + 2 * window**2))
    np.testing.assert_allclose(drawn(gather_drawn, *case), drawn(gather_drawn_reference, *case), **TOLERANCE)


def test_gather_drawn__ignores_the_number_of_threads():
    rng, frames, item, site = pictures(0, 3, 4, 2, 300)
    bits = latents(1, 2, 3, 4, 300)[1]
    case = (gather_drawn, frames, bits, item, site, 2, 1, 3, *standard(rng, 48 + 18))
    np.testing.assert_array_equal(*(run_with_threads(count, lambda: drawn(*case)) for count in (1, 2)))


def test_gather_noisy__ignores_the_number_of_threads():
    rng, bits, item, site = latents(0, 2, 3, 4, 300)
    numbers, (mean, scale) = rng.standard_normal((3, 2), np.float32), standard(rng, 58)

    def cut():
        out = empty_packed(300, 58)
        gather_noisy(bits, bits, bits, numbers, item, site, 3, 3, mean, scale, out)
        return out

    np.testing.assert_array_equal(*(run_with_threads(count, cut) for count in (1, 2)))


def test_gather_noisy__says_where_a_site_lies():
    bits, site = np.zeros((1, 1, 2, 4), np.uint16), np.array([0, 7], np.int32)
    out = empty_packed(2, 3)
    zeros, ones = np.zeros(3, np.float32), np.ones(3, np.float32)
    none = np.empty((1, 0, 1, 1), np.uint16)
    gather_noisy(bits, none, none, np.empty((1, 0), np.float32), site * 0, site, 1, 0, zeros, ones, out)
    np.testing.assert_array_equal(out[0, :, :2], [[0, 0], [-0.5, 0.5], [-0.75, 0.75]])
