"""A stack under torch: starts at the affine map, gradients of the weighted squared error."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def test_network__starts_at_the_affine_map_and_learns_what_it_cannot():
    from teachers.comparison.backprop import Network

    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((512, 3)).astype(np.float32)
    targets = np.tanh(2 * inputs[:, :2] - inputs[:, 1:])
    weights, biases = rng.standard_normal((2, 3)).astype(np.float32), np.array([1, -1], np.float32)
    network = Network(weights, biases, 16, 0)
    answer = network.predict(inputs)
    np.testing.assert_allclose(answer, (inputs @ weights.T + biases).T, atol=1e-5)
    same = Network(weights, biases, 16, 0)
    for _ in range(300):
        for one in (network, same):
            one.step(inputs, targets, np.ones(512, np.float32), 1e-2)
    learnt = network.predict(inputs).T
    wide = np.hstack([inputs, np.ones((512, 1), np.float32)])
    affine = wide @ np.linalg.lstsq(wide, targets, rcond=None)[0]
    assert ((learnt - targets) ** 2).mean() < 0.3 * ((affine - targets) ** 2).mean()
    np.testing.assert_array_equal(same.predict(inputs).T, learnt)


def test_step__leaves_samples_of_no_weight_out():
    from teachers.comparison.backprop import Network

    inputs = np.eye(2, dtype=np.float32)
    network = Network(np.zeros((1, 2)), np.zeros(1), 1, 0)
    roots = np.array([1, 0], np.float32)
    for _ in range(200):
        network.step(inputs, np.array([[1], [-1]], np.float32), roots, 1e-2)
    answer = network.predict(inputs)[0]
    assert answer[0] == pytest.approx(1, abs=0.05)
    assert answer[1] > -0.5
