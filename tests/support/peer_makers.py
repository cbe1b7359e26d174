"""Small problems, and what the tests of the comparison and of its methods share."""

from importlib.util import find_spec

import numpy as np
import pytest

from bench.common.clock import Clock
from bench.peers.closed import Mean
from bench.peers.evolution import Evolution
from bench.peers.method import Method
from bench.peers.methods import PEERS
from bench.peers.problems import Problem, Split
from olacore.kernels.layout import empty_packed, pack_rows_reference
from tests.support.makers import JIT


def make_split(x: np.ndarray, y: np.ndarray) -> Split:
    packed = empty_packed(*x.shape)
    pack_rows_reference(x.astype(np.float32), packed)
    return Split(packed, np.ascontiguousarray(y.T, np.float32))


def make_problem(inputs: int = 5, outputs: int = 3, rows: int = 1200, noise: float = 0.05, seed: int = 0) -> Problem:
    """Rows that a tanh-affine map of correlated inputs explains up to noise."""
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(inputs, inputs)) / np.sqrt(inputs)
    truth = rng.normal(0, 0.7, (inputs, outputs))

    def split(count: int) -> Split:
        x = rng.normal(size=(count, inputs)) @ mix
        return make_split(x, np.tanh(x @ truth + 0.2) + rng.normal(0, noise, (count, outputs)))

    train = split(rows)
    sample = train.inputs.swapaxes(1, 2).reshape(-1, inputs)[:rows].copy()
    return Problem("decoder-36-192", "0" * 8, train, split(300), split(300), sample)


def at_the_mean(problem: Problem, loss: str = "mse") -> float:
    """Held-out loss of predicting the mean."""
    mean = Mean(problem, loss, 0)
    mean.advance()
    return mean.measure(problem.held_out)


def check_peer(name: str, rowwise: bool, **settings: object) -> None:
    """Run a library's method for a while: it has to get below the mean; skipped where it is not installed."""
    if find_spec(PEERS[name].package) is None:
        pytest.skip(f"{PEERS[name].package} is not installed")
    problem = make_problem()
    settings = {"sigma": 0.1, "population": 16, "block": 512, **settings}
    search = Evolution(problem.whitened(), "mse", 0, PEERS[name].make, rowwise=rowwise, **settings)
    for _ in range(80 if JIT else 3):
        search.advance()
    weights, biases = search.weights()
    assert (weights.shape, biases.shape) == ((3, 5), (3,))
    if JIT:
        assert search.measure(problem.held_out) < 0.8 * at_the_mean(problem)
    assert isinstance(search.describe(), dict)


class FakeClock:
    """CPU-seconds that only go on when the method works or is measured."""

    now = 0.0

    def clock(self) -> Clock:
        return Clock(cpu=lambda: self.now, wall=lambda: 2 * self.now)


class Slow(Method):
    """A second to make, a second for every generation, 100 to be measured; better every time."""

    def __init__(self, problem: Problem, clock: FakeClock) -> None:
        super().__init__(problem, "mse", 0)
        self.clock, self.count = clock, 0
        clock.now += 1

    def advance(self) -> None:
        self.clock.now += 1
        self.count += 1

    def weights(self):
        return np.zeros((3, 5), np.float32), np.zeros(3, np.float32)

    def measure(self, split) -> float:
        self.clock.now += 50
        return 1 / self.count


def make_row(method: str, seconds: float | None, lowest: float = 1.0, peer: bool = True, problem: str = "p") -> dict:
    """What a report says of a method, as far as its figures are looked for."""
    return {
        "problem": problem,
        "loss": "mse",
        "method": method,
        "peer": peer,
        "cap": 50.0,
        "seconds to 1.05": {"median": seconds},
        "lowest": {"median": lowest},
    }
