import numpy as np
import pytest
from hypothesis import given

from olacore.kernels.forward import multiply_packed
from olacore.kernels.incremental import make_score_directions, score_directions_reference
from olacore.kernels.loss import mae, mae_reference, make_score_population, mse, mse_reference
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


def score(pre, targets, responses, sigma, loss=mse):
    out = np.full((len(pre), len(responses), 2), 7, np.float32)
    make_score_directions(loss)(pre, targets, responses, sigma, out)
    return out


def case(seed, rows, outputs, directions, n):
    rng = np.random.default_rng(seed)
    targets = np.tanh(normal(rng, outputs, n))
    return normal(rng, rows * outputs, n), targets, normal(rng, directions, n), normal(rng, rows * outputs, scale=0.3)


@pytest.mark.parametrize(("loss", "twin"), [(mse, mse_reference), (mae, mae_reference)])
@given(seed=seeds, p=populations, o=outputs, k=outputs, n=samples)
@few
def test_score_directions__equals_twin(loss, twin, seed, p, o, k, n):
    arrays = case(seed, p, o, k, n)
    expected = np.empty((p * o, k, 2), np.float32)
    score_directions_reference(*arrays, expected, twin)
    # A pre-activation is rounded once more than the twin's, a mean of n terms sums 256 of them in float32.
    np.testing.assert_allclose(score(*arrays, loss), expected, rtol=2e-5, atol=1e-6)


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples)
@few
def test_score_directions__equals_scoring_the_children_from_scratch(seed, p, o, i, n):
    weights, biases, x, targets = block(seed, p, o, i, n)
    packed = pack(x)
    rng = np.random.default_rng(seed)
    directions, sigma = normal(rng, 2, i, scale=i**-0.5), np.abs(normal(rng, p * o))
    pre, responses = np.empty((p * o, n), np.float32), np.empty((2, n), np.float32)
    multiply_packed(weights.reshape(-1, i), biases.reshape(-1), packed, pre)
    multiply_packed(directions, np.zeros(2, np.float32), packed, responses)
    losses = score(pre, targets, responses, sigma)
    child = np.empty((p, o), np.float32)
    for k, side in np.ndindex(2, 2):
        step = sigma.reshape(p, o, 1) * directions[k] * (1 - 2 * side)
        make_score_population(mse)((weights + step).astype(np.float32), biases, packed, targets, child)
        np.testing.assert_allclose(losses[:, k, side], child.reshape(-1), rtol=1e-4, atol=1e-5)


@given(seed=seeds, p=populations, o=outputs, k=outputs, n=samples)
@few
def test_score_directions__mirrored_sigma_swaps_the_children(seed, p, o, k, n):
    pre, targets, responses, sigma = case(seed, p, o, k, n)
    plus_minus = score(pre, targets, responses, sigma)
    np.testing.assert_array_equal(score(pre, targets, responses, -sigma), plus_minus[..., ::-1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_score_directions__bad_values_stay_where_they_are(bad):
    pre, targets, responses, sigma = case(3, 2, 2, 3, 9)
    clean = score(pre, targets, responses, sigma)
    spoiled = pre.copy()
    spoiled[2, 4] = bad
    hit = score(spoiled, targets, responses, sigma)
    assert (hit[2] == np.inf).all()
    np.testing.assert_array_equal(np.delete(hit, 2, 0), np.delete(clean, 2, 0))
    responses[1, 8] = bad
    hit = score(pre, targets, responses, sigma)
    assert (hit[:, 1] == np.inf).all()
    np.testing.assert_array_equal(np.delete(hit, 1, 1), np.delete(clean, 1, 1))


def test_score_directions__same_bits_for_any_number_of_threads():
    arrays = case(4, 5, 3, 4, 2000 if COMPILED else 9)
    one = run_with_threads(1, lambda: score(*arrays))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: score(*arrays)))
