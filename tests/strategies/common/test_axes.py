"""Directions of search: reproducible, all in their turn, and equally large in what they stir."""

import numpy as np

from olacore.strategies.common.axes import POWER, random_numbers, response_axes, take_axes


def test_random_numbers__depend_on_seed_number_and_use_alone():
    draw = [random_numbers(*key).standard_normal(3) for key in ((1, 2, 0), (1, 2, 0), (1, 3, 0), (2, 2, 0), (1, 2, 1))]
    np.testing.assert_array_equal(draw[0], draw[1])
    assert len({tuple(numbers) for numbers in draw}) == 4


def test_take_axes__a_turn_goes_through_all_of_them():
    axes = np.eye(40, dtype=np.float32)
    taken = np.vstack([take_axes(axes, 16, 5, number) for number in range(3)])
    assert taken.shape == (40, 40)
    # Rotations of groups: an orthogonal matrix, and not the axes themselves.
    np.testing.assert_allclose(taken @ taken.T, np.eye(40), atol=1e-5)
    assert (np.abs(taken).max(1) < 1).all()
    np.testing.assert_array_equal(axes, np.eye(40))
    assert take_axes(axes, 100, 5, 0).shape == (40, 40)


def test_take_axes__the_first_turn_may_be_in_order():
    first = take_axes(np.eye(40, dtype=np.float32), 16, 5, 0, sorted_first=True)
    np.testing.assert_array_equal(first[:, 16:], 0)


def test_response_axes__stand_between_the_inputs_own_spread_and_whitened():
    rng = np.random.default_rng(0)
    spread = np.array([4, 2, 1, 0.5])
    sample = (rng.standard_normal((5000, 4)) * spread).astype(np.float32)
    responses = sample @ response_axes(sample).T
    variance = responses.var(0)
    np.testing.assert_allclose(variance.mean(), 1, rtol=0.02)
    expected = spread ** (2 + 4 * POWER)
    np.testing.assert_allclose(variance / variance[0], expected / expected[0], rtol=0.1)
