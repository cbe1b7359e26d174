"""Which cells a comparison is made of."""

import pytest

from bench.peers.plan import ADAMS, LOSSES, Ablation, Plan, smaller
from olacore.errors import ConfigError

NAME = "encoder-768-4"


def test_smaller__doubles_up_to_the_whole():
    assert smaller("encoder-768-4")[:4] == [
        "encoder-768-4/inputs:4",
        "encoder-768-4/inputs:2",
        "encoder-768-4/outputs:4",
        "encoder-768-4/outputs:2",
    ]


def test_requests__our_own_come_first_and_peers_are_against_ours():
    plan = Plan((NAME,), (NAME,), ("cmaes",), seeds=2, parts=("ours", "peers"), default="rows")
    requests = list(plan.requests(NAME))
    assert [(request.method, request.seed) for request in requests[:2]] == [("rows", 0), ("rows", 1)]
    assert [request.method for request in requests if request.against_ours] == ["cmaes", "cmaes"]
    assert all(request.base == NAME for request in requests)


def test_requests__an_uncontested_problem_has_no_peers_losses_or_growth():
    plan = Plan(contested=(NAME,), seeds=1)
    assert {request.part for request in plan.requests("global-512-4")} == {"ours", "ablations"}


def test_requests__ablations_losses_and_growth():
    plan = Plan((NAME,), (NAME,), (), 1, ("ablations", "losses", "growth"), "rows:a=1", (Ablation("b", "b=2", 1.0),))
    found = {(request.part, request.method, request.loss) for request in plan.requests(NAME)}
    assert ("ablations", "rows:a=1,b=2", "mse") in found
    assert {("losses", method, loss) for method in ("rows:a=1", ADAMS[0]) for loss in LOSSES} <= found
    assert {request.problem for request in plan.requests(NAME) if request.part == "growth"} == set(smaller(NAME))


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"parts": ("speed",)}, "there is no part 'speed'; there are ours, peers, ablations, growth, losses"),
        ({"contested": ("text",)}, "there is no problem 'text'; there are encoder-768-4, "),
    ],
)
def test_plan__refuses_what_there_is_not(asked, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Plan(**asked)
