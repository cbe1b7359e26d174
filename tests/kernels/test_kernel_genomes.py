import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.genomes import answer_each, answer_each_reference, shape_samples, shape_samples_reference
from tests.support.kernel_cases import few, inputs, normal, outputs, populations, run_with_threads, seeds

ranks = st.integers(0, 6)


def samples_of(seed, p, n, m):
    rng = np.random.default_rng(seed)
    return normal(rng, p, n), normal(rng, m, n, scale=n**-0.5), rng.random(m, np.float32)


def shaped(function, normal_samples, vectors, rates):
    out = np.full(normal_samples.shape, 7, np.float32)
    function(normal_samples, vectors, rates, out)
    return out


@given(seed=seeds, p=populations, n=inputs, m=ranks)
@few
def test_shape_samples__equals_twin(seed, p, n, m):
    case = samples_of(seed, p, n, m)
    # Up to six sums of 40 numbers, each rounded at 6e-8 of a size of about 10.
    np.testing.assert_allclose(shaped(shape_samples, *case), shaped(shape_samples_reference, *case), atol=2e-4)


def test_shape_samples__stretches_along_a_vector_and_shrinks_across_it():
    vector = np.array([[2, 0, 0]], np.float32)
    drawn = np.array([[1, 1, 1]], np.float32)
    np.testing.assert_allclose(shaped(shape_samples, drawn, vector, np.array([0.5], np.float32)), [[2.5, 0.5, 0.5]])


def test_shape_samples__may_write_over_its_input():
    drawn, vectors, rates = samples_of(3, 5, 9, 2)
    apart = shaped(shape_samples, drawn, vectors, rates)
    shape_samples(drawn, vectors, rates, drawn)
    np.testing.assert_array_equal(drawn, apart)


def test_shape_samples__nan_stays_in_its_genome():
    drawn, vectors, rates = samples_of(3, 4, 9, 2)
    drawn[1, 3] = np.nan
    out = shaped(shape_samples, drawn, vectors, rates)
    assert np.isnan(out[1]).all()
    assert np.isfinite(out[[0, 2, 3]]).all()


def maps_of(seed, p, o, i, n):
    rng = np.random.default_rng(seed)
    return normal(rng, p, o, i, scale=i**-0.5), normal(rng, p, o), normal(rng, p, n, i)


def answered(function, weights, biases, given_inputs):
    out = np.full((*given_inputs.shape[:2], weights.shape[1]), 7, np.float32)
    function(weights, biases, given_inputs, out)
    return out


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=st.integers(1, 5))
@few
def test_answer_each__equals_twin(seed, p, o, i, n):
    case = maps_of(seed, p, o, i, n)
    # A sum of 40 products in float32, and tanh's own 1.5e-7.
    np.testing.assert_allclose(answered(answer_each, *case), answered(answer_each_reference, *case), atol=5e-6)


def test_answer_each__nan_and_inf_stay_in_their_genome():
    weights, biases, read = maps_of(1, 3, 2, 4, 2)
    read[0, 1, 2] = np.nan
    out = answered(answer_each, weights, biases, read)
    assert np.isnan(out[0, 1]).all()
    assert np.isfinite(out[1:]).all()
    assert np.isfinite(out[0, 0]).all()


@pytest.mark.parametrize("count", [1, 2])
def test_genomes__any_number_of_threads_gives_the_same_bytes(count):
    case = samples_of(8, 9, 40, 5)
    other = maps_of(8, 9, 7, 40, 3)
    np.testing.assert_array_equal(
        run_with_threads(count, lambda: shaped(shape_samples, *case)), shaped(shape_samples, *case)
    )
    np.testing.assert_array_equal(
        run_with_threads(count, lambda: answered(answer_each, *other)), answered(answer_each, *other)
    )
