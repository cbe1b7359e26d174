"""What a peer is asked for and told."""

import numpy as np

from bench.peers.evolution import WORST, Evolution
from bench.peers.method import mean_loss
from tests.support.peer_makers import make_problem

PROBLEM = make_problem()


class Recorder:
    """An optimizer that offers numbered candidates and keeps what it is told."""

    def __init__(self, groups: int, dim: int, seed: int) -> None:
        self.points = np.random.default_rng(seed).normal(0, 0.3, (groups, 4, dim))
        self.told = np.empty(0)

    def ask(self):
        return self.points

    def tell(self, losses):
        self.told = losses

    def mean(self):
        return self.points.mean(1)

    def describe(self):
        return {}


def test_evolution__tells_a_genome_the_mean_of_its_rows():
    whole = Evolution(PROBLEM, "mse", 0, Recorder, block=1 << 20)
    whole.advance()
    genomes = whole.genomes(whole.optimizer.ask())
    split = PROBLEM.train.block(0, len(PROBLEM.train.inputs) - 1)
    assert whole.optimizer.told.shape == (1, 4)
    expected = [mean_loss((g[:, :-1], g[:, -1]), PROBLEM.train) for g in genomes]
    np.testing.assert_allclose(whole.optimizer.told[0], expected, rtol=1e-5)
    assert split.rows < PROBLEM.train.rows


def test_evolution__tells_each_row_its_own_loss():
    rows = Evolution(PROBLEM, "mse", 0, Recorder, block=1 << 20, rowwise=True)
    rows.advance()
    told = rows.optimizer.told
    assert told.shape == (3, 4)
    before = told.copy()
    rows.optimizer.points[1] += 1.0  # another row's candidates change nothing
    rows.advance()
    np.testing.assert_array_equal(rows.optimizer.told[[0, 2]], before[[0, 2]])
    assert (rows.optimizer.told[1] != before[1]).any()


def test_evolution__tells_a_large_number_where_a_loss_is_not_finite():
    search = Evolution(PROBLEM, "mse", 0, Recorder, block=512)
    search.optimizer.points[0, 2] = np.nan
    search.advance()
    assert search.optimizer.told[0, 2] == WORST
    assert (search.optimizer.told[0, [0, 1, 3]] < WORST).all()
