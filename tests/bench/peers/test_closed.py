"""Closed forms, for orientation."""

import numpy as np
import pytest

from bench.peers.closed import LeastSquares, Mean, losses_of
from tests.support.peer_makers import at_the_mean, make_problem

PROBLEM = make_problem()


def test_least_squares__is_measured_through_its_own_link():
    fit = LeastSquares(PROBLEM, "mse", 0)
    fit.advance()
    block = PROBLEM.held_out.block(0, len(PROBLEM.held_out.inputs))
    expected = ((fit.baselines.predict(block) - block.targets) ** 2).mean()
    assert fit.measure(PROBLEM.held_out) == pytest.approx(expected, rel=1e-5)
    assert fit.measure(PROBLEM.held_out) < 0.2 * at_the_mean(PROBLEM)
    assert fit.describe()["link"] in ("clip", "tanh")


def test_mean__predicts_the_training_targets_mean():
    mean = Mean(PROBLEM, "mse", 0)
    mean.advance()
    weights, biases = mean.weights()
    assert not weights.any()
    np.testing.assert_allclose(np.tanh(biases), PROBLEM.train.targets.mean(1), atol=1e-5)


@pytest.mark.parametrize(("loss", "expected"), [("mse", [0.25, 4]), ("mae", [0.5, 2]), ("huber", [0.125, 1.5])])
def test_losses_of__small_and_large_errors(loss, expected):
    block = PROBLEM.train.block(0, 1)
    predicted = block.targets.copy()
    predicted[0, :2] += (0.5, -2)
    losses = losses_of(predicted, block, loss)
    np.testing.assert_allclose(losses[0, :2], expected, rtol=1e-5)
    assert not losses[1:].any()
