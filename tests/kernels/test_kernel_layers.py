import numpy as np
from hypothesis import given

from olacore.kernels.layers import append_few, append_few_reference, append_layer, append_layer_reference
from olacore.kernels.layout import empty_packed, pack_rows_reference
from olacore.kernels.tile import LANES
from tests.support.kernel_cases import COMPILED, few, inputs, normal, outputs, run_with_threads, samples, seeds


def run(seed, o, i, n, kernel):
    rng = np.random.default_rng(seed)
    weights, biases, x = normal(rng, o, i, scale=i**-0.5), normal(rng, o, scale=0.1), normal(rng, n, i)
    packed = empty_packed(n, i + o + 1)
    packed[...] = 7
    rows = empty_packed(n, i)
    pack_rows_reference(x, rows)
    packed[:, :i] = rows
    kernel(weights, biases, n, packed)
    return packed


@given(seed=seeds, o=outputs, i=inputs, n=samples)
@few
def test_append_layer__equals_twin_and_writes_its_own_rows_only(seed, o, i, n):
    got, twin = run(seed, o, i, n, append_layer), run(seed, o, i, n, append_layer_reference)
    np.testing.assert_allclose(got, twin, rtol=1e-5, atol=1e-6)
    assert (got[:, i + o] == 7).all()


def test_append_layer__same_bits_for_any_number_of_threads():
    sizes = (0, 13, 9, 999) if COMPILED else (0, 2, 2, 9)
    one = run_with_threads(1, lambda: run(*sizes, append_layer))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: run(*sizes, append_layer)))


def run_few(seed, o, i, kernel):
    rng = np.random.default_rng(seed)
    weights, biases = normal(rng, o, i, scale=i**-0.5), normal(rng, o, scale=0.1)
    values = np.full((i + o + 1, LANES), 7, np.float32)
    values[:i] = normal(rng, i, LANES)
    kernel(weights, biases, values)
    return values


@given(seed=seeds, o=outputs, i=inputs)
@few
def test_append_few__equals_twin_and_writes_its_own_rows_only(seed, o, i):
    got, twin = run_few(seed, o, i, append_few), run_few(seed, o, i, append_few_reference)
    np.testing.assert_allclose(got, twin, rtol=1e-5, atol=1e-6)
    assert (got[i + o] == 7).all()


def test_append_few__same_bits_for_any_number_of_threads():
    sizes = (0, 131, 9) if COMPILED else (0, 2, 2)
    one = run_with_threads(1, lambda: run_few(*sizes, append_few))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: run_few(*sizes, append_few)))


def test_append_few__gives_the_bits_of_append_layer():
    o, i, n = (101, 37, LANES) if COMPILED else (2, 2, 3)
    rng = np.random.default_rng(7)
    weights, biases, x = normal(rng, o, i, scale=i**-0.5), normal(rng, o), normal(rng, n, i)
    packed = empty_packed(n, i + o)
    pack_rows_reference(x, packed[:, :i])
    append_layer(weights, biases, n, packed)
    values = np.zeros((i + o, LANES), np.float32)
    values[:i, :n] = x.T
    append_few(weights, biases, values)
    np.testing.assert_array_equal(values[:, :n], packed[0, :, :n])


def test_append_few__a_bad_sample_stays_alone():
    weights, values = np.ones((3, 2), np.float32), np.zeros((5, LANES), np.float32)
    values[1, 4] = np.nan
    append_few(weights, np.zeros(3, np.float32), values)
    assert np.isnan(values[2:, 4]).all()
    assert not np.isnan(np.delete(values, 4, 1)).any()
