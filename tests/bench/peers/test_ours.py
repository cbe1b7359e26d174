"""Our own strategies on the comparison's rows."""

import numpy as np
import pytest

from bench.peers.methods import make_method, parse_method
from tests.support.makers import JIT
from tests.support.peer_makers import make_problem

PROBLEM = make_problem()
pytestmark = pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")


@pytest.mark.parametrize("text", ["rows:population=4", "classic", "rows:temperature=1e9"])
def test_ours__advances_and_says_its_options(text):
    method = make_method(parse_method(text), PROBLEM, "mse", 0)
    for _ in range(3):
        method.advance()
    assert np.isfinite(method.measure(PROBLEM.held_out))
    assert "strategy" in method.describe()


def test_ours__chooses_shrinkage_where_rows_are_few():
    problem = make_problem(inputs=40, rows=256)
    method = make_method(parse_method("rows:population=2"), problem, "mse", 0)
    assert method.describe()["strategy"]["shrinkage"] > 0
