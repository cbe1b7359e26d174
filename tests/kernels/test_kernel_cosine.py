import numpy as np
import pytest
from hypothesis import given

from olacore.kernels.cosine import (
    score_population_cosine,
    score_population_cosine_reference,
    sum_outputs,
    sum_outputs_reference,
)
from tests.support.kernel_cases import (
    COMPILED,
    block,
    few,
    inputs,
    normal,
    outputs,
    pack,
    populations,
    run_with_threads,
    samples,
    seeds,
)


def shares_of(seed, o):
    return np.random.default_rng(seed).uniform(0.2, 3, o).astype(np.float32)


def score(weights, biases, x, y, shares, kernel=score_population_cosine):
    out = np.full(biases.shape, 7, np.float32)
    kernel(weights, biases, pack(x), y, shares, out)
    return out


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples)
@few
def test_score_population_cosine__equals_twin(seed, p, o, i, n):
    weights, biases, x, y = block(seed, p, o, i, n)
    got = score(weights, biases, x, y, shares_of(seed, o))
    twin = score(weights, biases, x, y, shares_of(seed, o), score_population_cosine_reference)
    # One minus a cosine near one: what float32 leaves of it.
    np.testing.assert_allclose(got, twin, rtol=1e-4, atol=1e-5)


@given(seed=seeds, o=outputs, n=samples)
@few
def test_sum_outputs__equals_twin(seed, o, n):
    rng = np.random.default_rng(seed)
    pre, y = normal(rng, o, n), np.tanh(normal(rng, o, n))
    got, twin = np.empty((3, n), np.float32), np.empty((3, n), np.float32)
    sum_outputs(pre, y, shares_of(seed, o), *got)
    sum_outputs_reference(pre, y, shares_of(seed, o), *twin)
    np.testing.assert_allclose(got, twin, rtol=1e-4, atol=1e-5)


def test_score_population_cosine__is_0_at_the_target_and_1_for_a_zero_vector():
    weights, biases, x, _ = block(0, 2, 3, 4, 20)
    weights[1], biases[1] = 0, 0
    y = np.tanh(weights[0] @ x.T + biases[0][:, None]).astype(np.float32)
    got = score(weights, biases, x, y, shares_of(0, 3))
    np.testing.assert_allclose(got[0], 0, atol=1e-6)
    np.testing.assert_array_equal(got[1], 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_score_population_cosine__a_bad_weight_makes_its_genome_infinite_and_no_other(bad):
    weights, biases, x, y = block(1, 3, 2, 5, 40)
    clean = score(weights, biases, x, y, shares_of(0, 2))
    weights[1, 0, 2] = bad
    got = score(weights, biases, x, y, shares_of(0, 2))
    assert np.isinf(got[1]).all()
    np.testing.assert_array_equal(got[[0, 2]], clean[[0, 2]])


def test_score_population_cosine__same_bits_for_any_number_of_threads():
    weights, biases, x, y = block(2, 5 if COMPILED else 2, 7 if COMPILED else 2, 9, 1000 if COMPILED else 9)
    shares = shares_of(0, len(y))
    one = run_with_threads(1, lambda: score(weights, biases, x, y, shares))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: score(weights, biases, x, y, shares)))
