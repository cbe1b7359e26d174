"""Read-outs that are rounded column after column: how little answers change, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from olacore.kernels.lattice import as_stored
from olacore.strategies.wide.rounding import TOGETHER, round_together, rounding_factor
from olacore.strategies.wide.seeds import overlap, whitening

few = settings(max_examples=60, deadline=None, derandomize=True)


def case(seed: int, outputs: int, columns: int, shared: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Weights, and the factor of an overlap of columns that share so much of what they answer."""
    rng = np.random.default_rng(seed)
    answers = rng.standard_normal((columns, 2 * columns)) + shared * rng.standard_normal(2 * columns)
    sizes = np.exp(rng.normal(0, 1, (outputs, 1)) + rng.normal(0, 1, columns))
    weights = (rng.standard_normal((outputs, columns)) * sizes).astype(np.float32)
    return weights, np.linalg.cholesky(answers @ answers.T + np.eye(columns)).astype(np.float32)


def cost(rounded: np.ndarray, weights: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """What the errors of each output count."""
    return np.square((rounded.astype(np.float64) - weights) @ factor).sum(1)


@few
@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 2 * TOGETHER + 3), st.sampled_from([0.0, 1.0, 30.0]))
def test_round_together__no_output_changes_more_than_with_the_nearest_levels(seed, outputs, columns, shared):
    weights, factor = case(seed, outputs, columns, shared)
    rounded, plain = round_together(weights, factor), as_stored(weights, "int8")
    assert (cost(rounded, weights, factor) <= cost(plain, weights, factor) * (1 + 1e-3)).all()
    # What is judged is what a file gives back.
    np.testing.assert_array_equal(as_stored(rounded, "int8"), rounded)


def test_round_together__answers_of_units_that_overlap_change_far_less():
    weights, factor = case(0, 30, 150, 30.0)
    plain = cost(as_stored(weights, "int8"), weights, factor).sum()
    assert cost(round_together(weights, factor), weights, factor).sum() < 0.1 * plain


def test_round_together__columns_that_share_nothing_go_to_their_nearest_levels():
    weights, _ = case(0, 30, 100)
    np.testing.assert_array_equal(round_together(weights, np.eye(100, dtype=np.float32)), as_stored(weights, "int8"))


def test_round_together__same_bits_for_any_number_of_threads():
    weights, factor = case(0, 40, 300)
    with threadpool_limits(1):
        one = round_together(weights, factor)
    with threadpool_limits(2):
        np.testing.assert_array_equal(round_together(weights, factor), one)


def test_round_together__zeros_stay():
    weights, factor = case(0, 5, 90)
    weights[:, 7], weights[3] = 0, 0
    rounded = round_together(weights, factor)
    assert not rounded[:, 7].any()
    assert not rounded[3].any()
    assert not round_together(np.zeros_like(weights), factor).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_round_together__an_output_that_is_not_finite_is_left_as_the_lattice_leaves_it(value: float):
    weights, factor = case(0, 3, 20)
    weights[1, 4] = value
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(round_together(weights, factor)[1], as_stored(weights, "int8")[1])


@pytest.mark.parametrize("equal", [False, True])
def test_rounding_factor__measures_changes_of_answers_and_steps(equal: bool):
    rng, units, inputs, gain, step = np.random.default_rng(0), 20, 4, 7.4, 0.1
    centres = np.zeros((units, inputs)) if equal else rng.standard_normal((units, inputs))
    kernel = overlap(centres, 2.0, 4.0)
    white = whitening(kernel)
    answers, x = 0.1 * rng.standard_normal((units, 50)), rng.standard_normal((inputs, 50))
    # As a search reads them: the gain belongs to the axes, and a weight is the step times the read-out.
    axes = np.vstack([white @ (answers * gain), x * step]).astype(np.float32)
    factor = rounding_factor(axes @ axes.T, white, gain, np.float32(step))
    assert not np.triu(factor, 1).any()
    error = rng.standard_normal((3, inputs + units))
    change = error[:, :inputs] @ x + error[:, inputs:] @ answers
    steps = np.einsum("oi,ij,oj->o", error[:, inputs:] / gain, kernel, error[:, inputs:] / gain)
    steps += np.square(error[:, :inputs] / step).sum(1)
    expected = np.square(change).sum(1) + steps
    np.testing.assert_allclose(cost(error, np.zeros_like(error), factor), expected, rtol=1e-3)
