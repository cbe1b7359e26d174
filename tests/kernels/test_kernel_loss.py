import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.loss import (
    huber,
    huber_reference,
    mae,
    mae_reference,
    make_huber,
    make_score_population,
    mse,
    mse_reference,
    score_population_reference,
)
from tests.support.kernel_cases import (
    COMPILED,
    block,
    few,
    inputs,
    outputs,
    pack,
    populations,
    quartic,
    run_with_threads,
    samples,
    seeds,
)

CASES = {
    "mse": (mse, mse_reference),
    "mae": (mae, mae_reference),
    "huber": (huber, huber_reference),
    "user": (quartic, lambda p, y: (p - y) ** 4),
}


def score(weights, biases, x, targets, loss=mse):
    out = np.full(biases.shape, 7, np.float32)
    make_score_population(loss)(weights, biases, pack(x), targets, out)
    return out


@pytest.mark.parametrize("name", CASES)
@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples)
@few
def test_score_population__equals_twin(name, seed, p, o, i, n):
    weights, biases, x, targets = block(seed, p, o, i, n)
    loss, twin = CASES[name]
    expected = np.empty((p, o), np.float32)
    score_population_reference(weights, biases, pack(x), targets, expected, twin)
    # A pre-activation may be off by 1e-5; a steep loss of a near hit doubles that.
    np.testing.assert_allclose(score(weights, biases, x, targets, loss), expected, rtol=1e-4, atol=2e-5)


@given(prediction=st.floats(-3, 3, width=32), target=st.floats(-1, 1, width=32), delta=st.sampled_from([0.2, 1.0, 2.5]))
@few
def test_make_huber__of_any_width(prediction, target, delta):
    p, y = np.float32(prediction), np.float32(target)
    np.testing.assert_allclose(make_huber(delta)(p, y), huber_reference(p, y, delta), rtol=1e-6, atol=1e-7)


@pytest.mark.skipif(not COMPILED, reason="hundreds of rows take minutes without the JIT")
def test_score_population__many_rows():
    weights, biases, x, targets = block(3, 11, 23, 101, 700)
    expected = np.empty((11, 23), np.float32)
    score_population_reference(weights, biases, pack(x), targets, expected)
    np.testing.assert_allclose(score(weights, biases, x, targets), expected, rtol=1e-5)


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples, bad=st.sampled_from([np.nan, np.inf, -np.inf, 3e38]))
@few
def test_score_population__bad_weight_makes_its_row_infinite(seed, p, o, i, n, bad):
    weights, biases, x, targets = block(seed, p, o, i, n)
    x += np.copysign(np.float32(2), x)
    clean = score(weights, biases, x, targets)
    genome, row = seed % p, seed % o
    weights[genome, row, seed % i] = bad
    hit = score(weights, biases, x, targets)
    assert hit[genome, row] == np.inf
    hit[genome, row] = clean[genome, row]
    np.testing.assert_array_equal(hit, clean)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_score_population__bad_bias_target_or_input(name, bad):
    weights, biases, x, targets = block(5, 3, 2, 4, 9)
    loss = CASES[name][0]
    biases[1, 0] = bad
    np.testing.assert_array_equal(np.isinf(score(weights, biases, x, targets, loss)), [[0, 0], [1, 0], [0, 0]])
    biases[1, 0], targets[1, 8] = 0, bad
    np.testing.assert_array_equal(np.isinf(score(weights, biases, x, targets, loss)), [[0, 1]] * 3)
    targets[1, 8], x[3, 2] = 0, bad
    assert (score(weights, biases, x, targets, loss) == np.inf).all()


@given(seed=seeds, p=populations, o=outputs, i=inputs, n=samples)
@few
def test_score_population__permuting_genomes_permutes_losses(seed, p, o, i, n):
    weights, biases, x, targets = block(seed, p, o, i, n)
    order = np.random.default_rng(seed).permutation(p)
    expected = score(weights, biases, x, targets)[order]
    np.testing.assert_array_equal(score(weights[order], biases[order], x, targets), expected)


def test_score_population__splitting_a_block_keeps_the_loss():
    n, cut = (900, 512) if COMPILED else (9, 4)
    weights, biases, x, targets = block(6, 3, 4, 10, n)
    left = score(weights, biases, x[:cut], targets[:, :cut].copy())
    right = score(weights, biases, x[cut:], targets[:, cut:].copy())
    # Each mean is rounded once, and chunks of other samples are added in another order.
    np.testing.assert_allclose((cut * left + (n - cut) * right) / n, score(weights, biases, x, targets), rtol=1e-6)


def test_score_population__same_bits_for_any_number_of_threads():
    weights, biases, x, targets = block(7, 7, 5, 13, 3000 if COMPILED else 9)
    one = run_with_threads(1, lambda: score(weights, biases, x, targets))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: score(weights, biases, x, targets)))


def test_make_score_population__compiles_a_loss_once():
    assert make_score_population(quartic) is make_score_population(quartic)
    assert make_huber(0.5) is make_huber(0.5)
