from dataclasses import dataclass

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.cosine import sum_outputs
from olacore.kernels.loss import huber_reference, mae_reference
from olacore.kernels.row_steps import (
    FURTHEST,
    make_step_rows,
    step_rows,
    step_rows_cosine,
    step_rows_huber,
    step_rows_mae,
    step_rows_reference,
)
from tests.support.kernel_cases import COMPILED, few, normal, outputs, run_with_threads, samples, seeds

directions = st.integers(1, 6 if COMPILED else 2)
shrinkages = st.sampled_from([0.0, 0.1])
kernels = pytest.mark.parametrize("kernel", [step_rows, step_rows_reference])


@dataclass
class Case:
    """Rows in the middle of a search: targets that a map of the responses explains up to noise."""

    pre: np.ndarray
    targets: np.ndarray
    responses: np.ndarray
    pull: np.ndarray
    gram: np.ndarray
    reach: float = 0.3


@dataclass
class Stepped:
    """What a call of the kernel left behind."""

    pre: np.ndarray
    pull: np.ndarray
    before: np.ndarray
    steps: np.ndarray


def case(seed, out, n, count, shrinkage=0.0):
    rng = np.random.default_rng(seed)
    pre, responses = normal(rng, out, n, scale=0.5), normal(rng, count, n)
    aim = pre + normal(rng, out, count, scale=0.5) @ responses + normal(rng, out, n, scale=0.3)
    reach = float(np.float32(rng.uniform(0.01, 1)))
    weights, moves = normal(rng, out, 3), normal(rng, count, 3)
    price = np.float32(shrinkage * n)
    return Case(pre, np.tanh(aim), responses, price * weights @ moves.T, price * moves @ moves.T, reach)


def step(start, kernel=step_rows):
    out, count = len(start.pre), len(start.responses)
    pull, bent = start.pull.copy(), np.full(start.responses.shape, 7, np.float32)
    before, steps = np.full(out, 7, np.float32), np.full((out, count), 7, np.float32)
    kernel(start.pre, start.targets, start.responses, bent, np.float32(start.reach), pull, start.gram, before, steps)
    taken = np.where(steps == 0, 0, steps)[:, :, None] * np.where(steps.any(0)[:, None], start.responses, 0)
    return Stepped(start.pre + taken.sum(1), pull, before, steps)


def losses(pre, targets):
    return ((np.tanh(pre.astype(np.float64)) - targets) ** 2).mean(1)


def cost(start, got):
    """Mean squared error, and the shrinkage that the steps add, of every row."""
    added = (got.steps * (2 * start.pull + got.steps @ start.gram)).sum(1) / start.pre.shape[1]
    return losses(got.pre, start.targets), added


@given(seed=seeds, o=outputs, n=samples, k=directions, shrinkage=shrinkages)
@few
def test_step_rows__equals_twin(seed, o, n, k, shrinkage):
    start = case(seed, o, n, k, shrinkage)
    got, twin = step(start), step(start, step_rows_reference)
    np.testing.assert_allclose(got.before, twin.before, rtol=1e-5, atol=1e-7)
    # The bend is a difference of nearly equal float32 sums, so steps differ in the fourth digit; near the lowest
    # point of a parabola the cost hardly notices.
    np.testing.assert_allclose(sum(cost(start, got)), sum(cost(start, twin)), rtol=1e-3, atol=1e-5)


@given(seed=seeds, o=outputs, n=st.sampled_from([64, 257]), shrinkage=shrinkages)
@few
def test_step_rows__equals_twin_in_every_output_along_one_direction(seed, o, n, shrinkage):
    start = case(seed, o, n, 1, shrinkage)
    start.reach = 0.5
    start.targets = np.tanh(start.pre + start.responses)  # one direction leads to the target: every row gains much
    got, twin = step(start), step(start, step_rows_reference)
    assert (twin.steps > 0).all() or shrinkage
    for name, values in vars(twin).items():
        np.testing.assert_allclose(getattr(got, name), values, rtol=1e-3, atol=1e-3)


@kernels
@given(seed=seeds, o=outputs, n=samples, k=directions, shrinkage=shrinkages)
@few
def test_step_rows__never_raises_a_cost_and_reports_what_it_did(kernel, seed, o, n, k, shrinkage):
    start = case(seed, o, n, k, shrinkage)
    got = step(start, kernel)
    loss, added = cost(start, got)
    np.testing.assert_allclose(got.before, losses(start.pre, start.targets), rtol=1e-4, atol=1e-6)
    assert (loss + added <= got.before * (1 + 1e-4) + 1e-6).all()
    np.testing.assert_allclose(got.pull, start.pull + got.steps @ start.gram, rtol=1e-3, atol=1e-3)


@kernels
def test_step_rows__shrinkage_alone_draws_the_weights_to_zero(kernel):
    # No response and one direction of length 1: the cost is w * w, and nothing else.
    start = case(0, 1, 40, 1)
    start.responses[:] = 0
    start.pull[:], start.gram[:], start.reach = 40 * 0.5, 40, 1  # w = 0.5
    got = step(start, kernel)
    np.testing.assert_allclose(got.steps, [[-0.5]], rtol=1e-4)
    np.testing.assert_allclose(got.pull, 0, atol=1e-3)


@kernels
@given(seed=seeds, o=outputs, n=samples)
@few
def test_step_rows__a_step_is_at_most_four_trials_long(kernel, seed, o, n):
    start = case(seed, o, n, 1)
    start.reach = 0.01
    assert (np.abs(step(start, kernel).steps) <= FURTHEST * np.float32(0.01)).all()


@given(seed=seeds, o=outputs, n=samples, k=directions)
@few
def test_step_rows__a_mirrored_direction_mirrors_its_step(seed, o, n, k):
    start = case(seed, o, n, k)
    got = step(start)
    start.responses = -start.responses
    mirrored = step(start)
    np.testing.assert_allclose(
        losses(mirrored.pre, start.targets), losses(got.pre, start.targets), rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(mirrored.steps[:, 0], -got.steps[:, 0], rtol=2e-3, atol=1e-4)


@given(seed=seeds, n=samples, k=directions)
@few
def test_step_rows__permuted_rows_permute_everything(seed, n, k):
    start = case(seed, 4, n, k)
    order = np.random.default_rng(seed).permutation(4)
    start.pull = normal(np.random.default_rng(seed), 4, k)
    pre, targets, pull = (p[order] for p in (start.pre, start.targets, start.pull))
    shuffled = step(Case(pre, targets, start.responses, pull, start.gram, start.reach))
    for name, values in vars(step(start)).items():
        np.testing.assert_array_equal(getattr(shuffled, name), values[order])


@kernels
def test_step_rows__one_step_finds_the_lowest_point_of_a_parabola(kernel):
    # So near zero that tanh is a straight line, and every loss a parabola.
    rng = np.random.default_rng(0)
    responses = normal(rng, 1, 50, scale=0.01)
    zero = np.zeros((1, 1), np.float32)
    start = Case(np.zeros((1, 50), np.float32), 2 * responses, responses, zero, zero, 1.0)
    got = step(start, kernel)
    np.testing.assert_allclose(got.steps, [[2]], rtol=1e-2)


@kernels
def test_step_rows__a_row_at_its_best_stays(kernel):
    start = case(0, 2, 30, 1)
    start.targets = np.tanh(start.pre)
    got = step(start, kernel)
    np.testing.assert_allclose(got.steps, 0, atol=1e-3)


@kernels
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_step_rows__a_row_with_a_bad_target_takes_no_step(bad, kernel):
    start = case(1, 3, 20, 2)
    clean = step(start, kernel)
    start.targets[1, 7] = bad
    hit = step(start, kernel)
    assert not np.isfinite(hit.before[1])
    np.testing.assert_array_equal(hit.steps[1], 0)
    np.testing.assert_array_equal(hit.pre[1], start.pre[1])
    for name, values in vars(hit).items():
        np.testing.assert_array_equal(np.delete(values, 1, 0), np.delete(getattr(clean, name), 1, 0))


@kernels
def test_step_rows__a_row_with_a_bad_pre_activation_takes_no_step(kernel):
    start = case(2, 3, 20, 2)
    start.pre[2, 0] = np.nan
    hit = step(start, kernel)
    assert np.isnan(hit.before[2])
    np.testing.assert_array_equal(hit.steps[2], 0)
    assert (hit.steps[:2] != 0).any()


@kernels
def test_step_rows__a_response_with_nan_is_never_stepped_along(kernel):
    start = case(3, 2, 20, 3)
    start.responses[1, 4] = np.nan
    got = step(start, kernel)
    np.testing.assert_array_equal(got.steps[:, 1], 0)
    assert (got.steps[:, 2] != 0).any()
    assert np.isfinite(got.steps).all()


@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_step_rows__an_infinite_response_does_what_the_twin_does(bad):
    start = case(3, 2, 20, 2)
    start.responses[1, 4] = bad
    got, twin = step(start), step(start, step_rows_reference)
    np.testing.assert_allclose(got.steps, twin.steps, rtol=1e-3)


def test_step_rows__same_bits_for_any_number_of_threads():
    start = case(4, 13 if COMPILED else 2, 999 if COMPILED else 9, 5, 0.1)
    for name in ("pull", "before", "steps"):
        one = run_with_threads(1, lambda name=name: getattr(step(start), name))
        np.testing.assert_array_equal(one, run_with_threads(2, lambda name=name: getattr(step(start), name)))


@pytest.mark.skipif(not COMPILED, reason="it is the compiler that looks at addresses")
@pytest.mark.parametrize("n", [3, 19, 70])
def test_step_rows__same_bits_wherever_the_arrays_lie(n):
    start, rng = case(5, 3, n, 4, 0.1), np.random.default_rng(0)
    expected = step(start).steps
    for _ in range(40):
        # Small arrays come one after the other out of the same pool, at changing distances.
        held = [np.empty(size, np.uint8) for size in rng.integers(1, 400, 6)]  # noqa: F841
        moved = Case(*(array.copy() for array in list(vars(start).values())[:-1]), start.reach)
        np.testing.assert_array_equal(step(moved).steps, expected)


# ---------------------------------------------------------------- other losses


def own_loss(prediction, target):
    """A user's loss with a plateau, which has no derivative where it begins."""
    return min(abs(prediction - target), np.float32(0.5))


def own_reference(prediction, target):
    return np.minimum(np.abs(prediction - target), 0.5)


OTHERS = [(step_rows_mae, mae_reference), (step_rows_huber, huber_reference)]
OTHERS.append((make_step_rows(numba.njit(own_loss) if COMPILED else own_loss), own_reference))


@pytest.mark.parametrize(("kernel", "loss"), OTHERS, ids=["mae", "huber", "own"])
@given(seed=seeds, o=outputs, n=samples, k=directions)
@few
def test_step_rows__with_another_loss_lowers_that_loss_and_equals_twin(kernel, loss, seed, o, n, k):
    start = case(seed, o, n, k)
    got = step(start, kernel)
    twin = step(start, lambda *arguments: step_rows_reference(*arguments, loss))
    truth = loss(np.tanh(start.pre.astype(np.float64)), start.targets).mean(1)
    after = loss(np.tanh(got.pre.astype(np.float64)), start.targets).mean(1)
    np.testing.assert_allclose(got.before, truth, rtol=1e-4, atol=1e-6)
    assert (after <= truth * (1 + 1e-4) + 1e-6).all()
    # The first direction alone: kinks make later ones depend on the last digits of the ones before.
    np.testing.assert_allclose(got.before, twin.before, rtol=1e-4, atol=1e-6)
    clear = np.abs(twin.steps[:, 0]) > 0.02
    np.testing.assert_allclose(got.steps[clear, 0], twin.steps[clear, 0], rtol=0.05, atol=0.01)


def cosine_losses(pre, targets, shares):
    p, y, v = np.tanh(pre.astype(np.float64)), targets.astype(np.float64), shares[:, None].astype(np.float64)
    return 1 - (v * p * y).sum(0) / np.sqrt((v * p * p).sum(0) * (v * y * y).sum(0))


@given(seed=seeds, n=samples, k=directions)
@few
def test_step_rows_cosine__each_row_alone_lowers_the_loss_of_all(seed, n, k):
    start = case(seed, 3, n, k)
    shares = np.array([1, 0.5, 2], np.float32)
    sums = np.empty((3, n), np.float32)
    sum_outputs(start.pre, start.targets, shares, *sums)
    got = step(start, lambda pre, targets, *rest: step_rows_cosine(pre, targets, shares, *sums, *rest))
    truth = cosine_losses(start.pre, start.targets, shares).mean()
    np.testing.assert_allclose(got.before, truth, rtol=1e-3, atol=1e-5)
    for o in range(3):
        moved = start.pre.copy()
        moved[o] = got.pre[o]
        assert cosine_losses(moved, start.targets, shares).mean() <= truth * (1 + 1e-3) + 1e-5
