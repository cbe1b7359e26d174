"""Losses of genomes, of one and of a population."""

import numpy as np

from bench.peers.method import Fitness, mean_loss
from tests.support.peer_makers import make_problem

PROBLEM = make_problem()


def test_mean_loss__is_the_twins():
    rng = np.random.default_rng(0)
    weights, biases = rng.normal(0, 0.3, (3, 5)).astype(np.float32), rng.normal(0, 0.3, 3).astype(np.float32)
    x = PROBLEM.held_out.inputs.swapaxes(1, 2).reshape(-1, 5)[: PROBLEM.held_out.rows]
    expected = ((np.tanh(x @ weights.T + biases).T - PROBLEM.held_out.targets) ** 2).mean()
    assert abs(mean_loss((weights, biases), PROBLEM.held_out) - expected) < 1e-5


def test_mean_loss__is_inf_where_it_is_not_finite():
    weights = np.full((3, 5), np.nan, np.float32)
    assert mean_loss((weights, np.zeros(3, np.float32)), PROBLEM.held_out) == np.inf


def test_fitness__shows_all_members_the_same_block_and_the_next_ones_another():
    fitness = Fitness(PROBLEM, "mse", 0, rows=256)
    population = np.random.default_rng(0).normal(0, 0.3, (1, 3, 6)).repeat(2, 0)
    first, second = fitness(population), fitness(population)
    np.testing.assert_array_equal(first[0], first[1])
    assert (first != second).any()
