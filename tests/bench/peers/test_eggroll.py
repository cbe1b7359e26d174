"""The rank-1 antithetic strategy, whole and row by row."""

import pytest

from bench.peers.eggroll import Eggroll
from tests.support.makers import JIT
from tests.support.peer_makers import at_the_mean, make_problem

PROBLEM = make_problem()


@pytest.mark.parametrize("rowwise", [False, True])
def test_eggroll__gets_below_the_mean(rowwise):
    search = Eggroll(PROBLEM, "mse", 0, population=32, rate=0.05, rowwise=rowwise)
    for _ in range(200 if JIT else 3):
        search.advance()
    if JIT:
        assert search.measure(PROBLEM.held_out) < 0.5 * at_the_mean(PROBLEM)
