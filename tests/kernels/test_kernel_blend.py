import numpy as np
import pytest
from hypothesis import given

from olacore.kernels.blend import blend_rows, blend_rows_reference
from tests.support.kernel_cases import COMPILED, few, inputs, normal, outputs, populations, run_with_threads, seeds


def case(seed, population, outputs, inputs):
    """A random population, and shares of which some are 0 and every column adds to 1."""
    rng = np.random.default_rng(seed)
    shares = rng.random((population, outputs), np.float32) * (rng.random((population, outputs)) < 0.7)
    shares[rng.integers(population), :] += np.float32(0.1)
    shares /= shares.sum(0)
    return normal(rng, population, outputs, inputs), normal(rng, population, outputs), shares


def blend(weights, biases, shares, kernel=blend_rows):
    """The mean genome as one array, biases last."""
    out = np.full(weights.shape[1:], 7, np.float32), np.full(biases.shape[1:], 7, np.float32)
    kernel(weights, biases, shares, *out)
    return np.hstack([out[0], out[1][:, None]])


def stacked(weights, biases):
    return np.concatenate([weights, biases[..., None]], axis=-1)


@given(seed=seeds, p=populations, o=outputs, i=inputs)
@few
def test_blend_rows__equals_twin(seed, p, o, i):
    arrays = case(seed, p, o, i)
    # Up to nine float32 terms, added in another order.
    np.testing.assert_allclose(blend(*arrays), blend(*arrays, blend_rows_reference), rtol=1e-5, atol=1e-6)


@given(seed=seeds, p=populations, o=outputs, i=inputs)
@few
def test_blend_rows__permuted_genomes_give_the_same_mean(seed, p, o, i):
    weights, biases, shares = case(seed, p, o, i)
    order = np.random.default_rng(seed).permutation(p)
    shuffled = blend(weights[order], biases[order], shares[order])
    np.testing.assert_allclose(shuffled, blend(weights, biases, shares), rtol=1e-5, atol=1e-6)


@given(seed=seeds, p=populations, o=outputs, i=inputs)
@few
def test_blend_rows__a_share_of_one_takes_that_row_alone(seed, p, o, i):
    weights, biases, shares = case(seed, p, o, i)
    source = np.random.default_rng(seed).integers(0, p, o)
    shares[...] = np.arange(p)[:, None] == source
    np.testing.assert_array_equal(blend(weights, biases, shares), stacked(weights, biases)[source, np.arange(o)])


@given(seed=seeds, p=populations, o=outputs, i=inputs)
@few
def test_blend_rows__equal_genomes_blend_to_themselves(seed, p, o, i):
    weights, biases, shares = case(seed, p, o, i)
    weights[:], biases[:] = weights[0], biases[0]
    np.testing.assert_allclose(blend(weights, biases, shares), stacked(weights, biases)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel", [blend_rows, blend_rows_reference])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_blend_rows__what_a_genome_without_a_share_holds_is_left_out(bad, kernel):
    weights, biases, shares = case(1, 4, 3, 5)
    shares[2] = 0
    clean = blend(weights, biases, shares, kernel)
    weights[2], biases[2] = bad, bad
    np.testing.assert_array_equal(blend(weights, biases, shares, kernel), clean)


@pytest.mark.parametrize("kernel", [blend_rows, blend_rows_reference])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_blend_rows__a_bad_weight_spoils_its_own_element_only(bad, kernel):
    weights, biases, shares = case(2, 4, 3, 5)
    shares[...] = 0.25
    clean = blend(weights, biases, shares, kernel)
    weights[1, 2, 3] = bad
    hit = blend(weights, biases, shares, kernel)
    assert not np.isfinite(hit[2, 3])
    clean[2, 3] = hit[2, 3]
    np.testing.assert_array_equal(hit, clean)


def test_blend_rows__same_bits_for_any_number_of_threads():
    arrays = case(3, 9, 50 if COMPILED else 3, 301 if COMPILED else 4)
    one = run_with_threads(1, lambda: blend(*arrays))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: blend(*arrays)))
