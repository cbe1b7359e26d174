"""Read-outs that move along groups of axes, from moments alone."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.strategies.wide.readout import squared_error, sweep

AXES, ROWS = 6, 60


@pytest.mark.parametrize("axes", [1, 3, 100])
def test_sweep__lowers_every_loss_down_to_ridge_regression(axes: int) -> None:
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((AXES + 1, ROWS)).astype(np.float32)
    targets = rng.standard_normal((2, ROWS)).astype(np.float32)
    moments, pulls, square = responses @ responses.T, targets @ responses.T, float(np.square(targets).sum())
    readouts, shrinkages = [np.zeros((2, AXES + 1), np.float32) for _ in range(2)], [0.1, 50.0]
    before = np.full(2, np.inf)
    for _ in range(30):
        sweep(readouts, moments, pulls, shrinkages, rng.permutation(AXES), axes)
        errors = [float(np.square(targets - readout @ responses, dtype=np.float64).sum()) for readout in readouts]
        for readout, error in zip(readouts, errors, strict=True):
            assert squared_error(readout, moments, pulls, square) == pytest.approx(error, rel=1e-5)
        shrunk = [np.square(readout[:, :-1], dtype=np.float64).sum() for readout in readouts]
        losses = np.array(errors) + shrinkages * np.array(shrunk)
        assert (losses <= before * (1 + 1e-5)).all()
        before = losses
    for readout, shrinkage in zip(readouts, shrinkages, strict=True):
        # The last axis costs nothing.
        metric = shrinkage * np.diag([1.0] * AXES + [0.0])
        ridge = np.linalg.solve(moments + metric, pulls.T).T
        np.testing.assert_allclose(readout, ridge, atol=1e-4)
