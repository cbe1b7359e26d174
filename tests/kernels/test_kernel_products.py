import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.products import TILE, multiply_rows, multiply_rows_reference
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, samples, seeds

# 1, odd, a tile, and what is no multiple of it.
rows = st.sampled_from([1, 3, TILE, TILE + 1, 2 * TILE + 3] if COMPILED else [1, 5])


def multiply(a, b, kernel=multiply_rows):
    out = np.full((len(a), len(b)), 7, np.float32)
    kernel(a, b, out)
    return out


@given(seed=seeds, m=rows, k=rows, n=samples)
@few
def test_multiply_rows__equals_twin(seed, m, k, n):
    rng = np.random.default_rng(seed)
    a, b = normal(rng, m, n), normal(rng, k, n)
    # Sums of n terms of size 1, rounded n times at most in lanes of 16 and more.
    np.testing.assert_allclose(multiply(a, b), multiply(a, b, multiply_rows_reference), rtol=1e-5, atol=1e-6 * n)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_multiply_rows__a_bad_row_spoils_its_own_products_only(bad):
    a, b = normal(np.random.default_rng(0), 5, 19), normal(np.random.default_rng(1), 6, 19)
    clean = multiply(a, b)
    a[4, 18] = bad  # the last of a tile that repeats it
    hit = multiply(a, b)
    assert not np.isfinite(hit[4]).any()
    np.testing.assert_array_equal(hit[:4], clean[:4])


def test_multiply_rows__same_bits_for_any_number_of_threads_and_wherever_the_arrays_lie():
    rng = np.random.default_rng(2)
    a, b = (normal(rng, 13, 999), normal(rng, 9, 999)) if COMPILED else (normal(rng, 3, 9), normal(rng, 2, 9))
    one = run_with_threads(1, lambda: multiply(a, b))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: multiply(a, b)))
    small = multiply(a[:, :7].copy(), b[:, :7].copy())
    for count in range(20):
        held = [np.empty(size, np.uint8) for size in rng.integers(1, 400, count % 5 + 1)]  # noqa: F841
        np.testing.assert_array_equal(multiply(a[:, :7].copy(), b[:, :7].copy()), small)
