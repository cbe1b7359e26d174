"""Adam in NumPy: its slopes, its end, its shrinkage."""

import numpy as np
import pytest

from bench.peers.adam import SLOPES, Adam
from bench.peers.closed import least_squares
from olacore.blocks import Block
from olacore.errors import ConfigError
from olacore.kernels.layout import CHUNK
from tests.support.peer_makers import make_problem

PROBLEM = make_problem()


@pytest.mark.parametrize("loss", SLOPES)
def test_adam__follows_the_slope_of_its_loss(loss):
    search = Adam(PROBLEM, loss, 0)
    search.genome[:] = np.random.default_rng(0).normal(0, 0.3, search.genome.shape)
    block = PROBLEM.train.block(0, len(PROBLEM.train.inputs))
    slope = search.gradient(block)
    step = 1e-2
    for place in ((0, 0), (2, 3), (1, 5)):
        losses = []
        for sign in (1, -1):
            genome = search.genome.astype(np.float64)
            genome[place] += sign * step
            losses.append(twin_loss(genome, block, loss)[place[0]])
        assert slope[place] == pytest.approx((losses[0] - losses[1]) / (2 * step), rel=2e-2, abs=1e-4)


def twin_loss(genome: np.ndarray, block: Block, loss: str) -> np.ndarray:
    x = block.inputs.swapaxes(1, 2).reshape(-1, block.inputs.shape[1])[: block.rows].astype(np.float64)
    error = np.abs(np.tanh(x @ genome[:, :-1].T + genome[:, -1]).T - block.targets)
    values = {"mse": error**2, "mae": error, "huber": np.where(error <= 1, error**2 / 2, error - 0.5)}
    return values[loss].mean(1)


@pytest.mark.parametrize("whitened", [False, True])
def test_adam__reaches_least_squares_and_ends(whitened):
    problem = PROBLEM.whitened() if whitened else PROBLEM
    search = Adam(problem, "mse", 0, rate=0.05, batch=CHUNK, passes=300)
    while not search.finished:
        search.advance()
    assert search.rule.step == 300 * search.steps_per_pass
    assert search.measure(PROBLEM.held_out) < 1.02 * least_squares(PROBLEM).measure(PROBLEM.held_out)


def test_adam__shrinkage_costs_the_same_on_whitened_inputs():
    plain, whitened = Adam(PROBLEM, "mse", 0), Adam(PROBLEM.whitened(), "mse", 0)
    weights = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    squares = (PROBLEM.whitened().standardised(weights) ** 2).sum()
    assert (plain.cost * weights**2).sum() == pytest.approx((weights**2).sum())
    assert (whitened.cost * weights**2).sum() == pytest.approx(squares, rel=1e-4)


def test_adam__refuses_an_unknown_loss():
    with pytest.raises(ConfigError, match="Adam knows the losses mse, mae, huber; got 'cosine'"):
        Adam(PROBLEM, "cosine", 0)
