import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.forward import (
    forward_population,
    forward_population_reference,
    multiply_packed,
    multiply_packed_reference,
)
from tests.support.kernel_cases import (
    COMPILED,
    block,
    few,
    inputs,
    outputs,
    pack,
    populations,
    run_with_threads,
    samples,
    seeds,
)


def multiply(weights, biases, x):
    out = np.full((weights.shape[0], len(x)), 7, np.float32)
    multiply_packed(weights, biases, pack(x), out)
    return out


def forward(weights, biases, x):
    out = np.full((*biases.shape, len(x)), 7, np.float32)
    forward_population(weights, biases, pack(x), out)
    return out


@given(seed=seeds, rows=populations, i=inputs, n=samples)
@few
def test_multiply_packed__equals_twin(seed, rows, i, n):
    weights, biases, x, _ = block(seed, rows, 1, i, n)
    expected = np.empty((rows, n), np.float32)
    multiply_packed_reference(weights[:, 0], biases[:, 0], pack(x), expected)
    # 41 terms of size one or less, each rounded to 6e-8 of the running sum.
    np.testing.assert_allclose(multiply(weights[:, 0], biases[:, 0], x), expected, rtol=0, atol=1e-5)


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples)
@few
def test_forward_population__equals_twin(seed, p, o, i, n):
    weights, biases, x, _ = block(seed, p, o, i, n)
    expected = np.empty((p, o, n), np.float32)
    forward_population_reference(weights, biases, pack(x), expected)
    np.testing.assert_allclose(forward(weights, biases, x), expected, rtol=0, atol=1e-5)


@pytest.mark.skipif(not COMPILED, reason="hundreds of rows take minutes without the JIT")
def test_forward_population__many_rows():
    weights, biases, x, _ = block(3, 11, 23, 101, 300)
    expected = np.empty((11, 23, 300), np.float32)
    forward_population_reference(weights, biases, pack(x), expected)
    np.testing.assert_allclose(forward(weights, biases, x), expected, rtol=0, atol=1e-5)


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples, bad=st.sampled_from([np.nan, np.inf, -np.inf]))
@few
def test_multiply_packed__bad_weight_stays_in_its_row(seed, p, o, i, n, bad):
    weights, biases, x, _ = block(seed, p * o, 1, i, n)
    weights, biases = weights[:, 0], biases[:, 0]
    clean = multiply(weights, biases, x)
    row = seed % len(weights)
    weights[row, seed % i] = bad
    hit = multiply(weights, biases, x)
    assert not np.isfinite(hit[row]).any()
    np.testing.assert_array_equal(np.delete(hit, row, 0), np.delete(clean, row, 0))


def test_multiply_packed__bad_sample_stays_in_its_sample():
    weights, biases, x, _ = block(1, 5, 1, 6, 20)
    clean = multiply(weights[:, 0], biases[:, 0], x)
    x[11, 3] = np.nan
    hit = multiply(weights[:, 0], biases[:, 0], x)
    assert np.isnan(hit[:, 11]).all()
    np.testing.assert_array_equal(np.delete(hit, 11, 1), np.delete(clean, 11, 1))


def test_forward_population__a_samples_bits_do_not_depend_on_its_place():
    weights, biases, x, _ = block(2, 2, 3, 9, 300 if COMPILED else 9)
    whole = forward(weights, biases, x)
    np.testing.assert_array_equal(forward(weights, biases, x[5:]), whole[..., 5:])
    np.testing.assert_array_equal(forward(weights[1:], biases[1:], x), whole[1:])


def test_forward_population__same_bits_for_any_number_of_threads():
    weights, biases, x, _ = block(4, 7, 3, 13, 1000 if COMPILED else 9)
    one = run_with_threads(1, lambda: forward(weights, biases, x))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: forward(weights, biases, x)))


def test_multiply_packed__huge_and_tiny_numbers():
    weights = np.array([[1e38, 1e38], [1e-40, 1e-40], [1e38, -1e38]], np.float32)
    out = multiply(weights, np.zeros(3, np.float32), np.array([[10, 10], [1, 1]], np.float32))
    np.testing.assert_array_equal(out[0, 0], np.inf)
    np.testing.assert_allclose(out[1], [2e-39, 2e-40], rtol=1e-4)
    assert out[2, 1] == 0
