import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.gather import gather_windows
from olacore.kernels.layout import empty_packed, unpack_rows_reference
from olacore.kernels.windows import cut_windows, cut_windows_reference, fold_windows, fold_windows_reference
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, seeds

sizes = st.integers(1, 6 if COMPILED else 3)
sides = st.sampled_from([1, 3, 5] if COMPILED else [1, 3])
counts = st.integers(1, 3 if COMPILED else 2)


def cut(latents, height, width, window, kernel=cut_windows):
    out = np.full((len(latents) * window**2, latents.shape[1]), 7, np.float32)
    kernel(latents, height, width, window, out)
    return out


def fold(windows, height, width, window, kernel=fold_windows):
    out = np.full((len(windows) // window**2, windows.shape[1]), 7, np.float32)
    kernel(windows, height, width, window, out)
    return out


@given(seed=seeds, channels=counts, pictures=counts, height=sizes, width=sizes, window=sides)
@few
def test_windows__equal_their_twins(seed, channels, pictures, height, width, window):
    rng = np.random.default_rng(seed)
    shape, n = (height, width, window), pictures * height * width
    latents, windows = normal(rng, channels, n), normal(rng, channels * window**2, n)
    np.testing.assert_array_equal(cut(latents, *shape), cut(latents, *shape, cut_windows_reference))
    # A site is the sum of at most 25 x 25 numbers of size 1.
    np.testing.assert_allclose(
        fold(windows, *shape), fold(windows, *shape, fold_windows_reference), rtol=1e-5, atol=1e-4
    )


@given(seed=seeds, channels=counts, pictures=counts, height=sizes, width=sizes, window=sides)
@few
def test_fold_windows__is_the_transpose_of_cut_windows(seed, channels, pictures, height, width, window):
    rng = np.random.default_rng(seed)
    shape, n = (height, width, window), pictures * height * width
    latents, windows = normal(rng, channels, n), normal(rng, channels * window**2, n)
    one = (cut(latents, *shape).astype(np.float64) * windows).sum()
    other = (latents * fold(windows, *shape).astype(np.float64)).sum()
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * windows.size)


@given(seed=seeds, height=sizes, width=sizes, window=sides)
@few
def test_cut_windows__sees_what_a_decoder_gathers(seed, height, width, window):
    stored = normal(np.random.default_rng(seed), 2, 3, height, width).astype(np.float16)
    sites, inputs = height * width, 3 * window**2
    item, site = (part.astype(np.int32) for part in np.divmod(np.arange(2 * sites), sites))
    packed, rows = empty_packed(2 * sites, inputs), np.empty((2 * sites, inputs), np.float32)
    zero, one = np.zeros(inputs, np.float32), np.ones(inputs, np.float32)
    gather_windows(stored.view(np.uint16), item, site, window, zero, one, packed)
    unpack_rows_reference(packed, rows)
    latents = np.ascontiguousarray(stored.swapaxes(0, 1).reshape(3, -1), np.float32)
    np.testing.assert_array_equal(cut(latents, height, width, window), rows.T)


def test_windows__a_bad_site_is_seen_by_its_neighbours_only():
    latents = np.zeros((1, 25), np.float32)
    latents[0, 12] = np.nan
    seen = np.isnan(cut(latents, 5, 5, 3)).any(0).reshape(5, 5)
    assert seen[1:4, 1:4].all()
    assert seen.sum() == 9
    windows = np.zeros((9, 25), np.float32)
    windows[:, 0] = np.inf
    np.testing.assert_array_equal(np.flatnonzero(np.isinf(fold(windows, 5, 5, 3))), [0, 1, 5, 6])


def test_windows__same_bits_for_any_number_of_threads_and_wherever_the_arrays_lie():
    rng = np.random.default_rng(0)
    latents, windows = normal(rng, 3, 40), normal(rng, 27, 40)
    for run in (lambda: cut(latents.copy(), 4, 5, 3), lambda: fold(windows.copy(), 4, 5, 3)):
        expected = run_with_threads(1, run)
        np.testing.assert_array_equal(run_with_threads(2, run), expected)
        for count in range(20):
            held = [np.empty(size, np.uint8) for size in rng.integers(1, 400, count % 5 + 1)]  # noqa: F841
            np.testing.assert_array_equal(run(), expected)
