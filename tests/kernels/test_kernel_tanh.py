import numpy as np
import pytest
from hypothesis import given

from olacore.kernels.tanh import apply_tanh, apply_tanh_reference
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, samples, seeds

# From the smallest number whose tanh is not itself to past saturation, as float32 bit patterns.
FIRST, LAST = np.float32(2.0**-14).view(np.uint32), np.float32(9.5).view(np.uint32)


def tanh(x):
    out = np.empty_like(x)
    apply_tanh(x, out)
    return out


def sweep():
    """Positive float32 in rising order: dense, or thin when the JIT is off."""
    step = 29 if COMPILED else 900_001
    return np.arange(FIRST, LAST, step, dtype=np.uint32).view(np.float32)


@given(seed=seeds, n=samples)
@few
def test_tanh__equals_twin(seed, n):
    x = normal(np.random.default_rng(seed), n, scale=3)
    expected = np.empty_like(x)
    apply_tanh_reference(x, expected)
    np.testing.assert_allclose(tanh(x), expected, rtol=0, atol=1.6e-7)


def test_tanh__error_is_within_the_stated_bound():
    x = sweep()
    true = np.tanh(x.astype(np.float64))
    error = np.abs(tanh(x) - true)
    assert error.max() <= 1.6e-7
    assert (error / np.spacing(true.astype(np.float32))).max() <= 2.6


def test_tanh__is_odd():
    x = sweep()
    np.testing.assert_array_equal(tanh(-x), -tanh(x))


@pytest.mark.parametrize("start", [2.0**-14, 0.17, 0.17328680, 0.5, 0.5198604, 1.0, 4.0, 8.9])
def test_tanh__never_decreases_between_neighbours(start):
    first = np.float32(start).view(np.uint32)
    x = np.arange(first, first + (1_000_000 if COMPILED else 20), dtype=np.uint32).view(np.float32)
    assert (np.diff(tanh(x)) >= 0).all()


def test_tanh__never_decreases_over_the_range():
    assert (np.diff(tanh(sweep())) >= 0).all()


def test_tanh__special_values():
    x = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-30, 9.000001, -9.000001, 3e38, np.inf, -np.inf, np.nan], np.float32)
    y = tanh(x)
    expected = np.array([0, 0, 1e-45, -1e-45, 1e-30, 1, -1, 1, 1, -1], np.float32)
    np.testing.assert_array_equal(y[:-1], expected)
    np.testing.assert_array_equal(np.signbit(y[:2]), [False, True])
    assert np.isnan(y[-1])


def test_tanh__in_place():
    x = np.linspace(-3, 3, 700 if COMPILED else 20, dtype=np.float32)
    expected = tanh(x)
    apply_tanh(x, x)
    np.testing.assert_array_equal(x, expected)


def test_tanh__bits_do_not_depend_on_place_or_threads():
    x = normal(np.random.default_rng(1), 1000 if COMPILED else 20)
    y = run_with_threads(1, lambda: tanh(x))
    np.testing.assert_array_equal(y, run_with_threads(2, lambda: tanh(x)))
    np.testing.assert_array_equal(y[7:], tanh(x[7:].copy()))
