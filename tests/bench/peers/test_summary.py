"""Figures of a comparison."""

from bench.peers.summary import best_peer, doublings, find, spread, times
from tests.support.peer_makers import make_row


def test_best_peer__is_the_first_or_the_nearest():
    rows = [
        make_row("rows", 1.0, peer=False),
        make_row("a", None, 1.2),
        make_row("b", None, 1.1),
        make_row("c", 9.0, 1.04),
    ]
    assert best_peer(rows, "p", 1.05) == rows[3]
    assert best_peer(rows[:3], "p", 1.05) == rows[2]
    assert best_peer(rows[:1], "p", 1.05) is None
    assert find(rows, "p", "b") == rows[2]
    assert find(rows, "q", "b") is None


def test_times__says_when_a_method_was_stopped():
    assert times(10.0, 2.0, 60.0) == {"ratio": 5.0, "at_least": False}
    assert times(float("inf"), 2.0, 60.0) == {"ratio": 30.0, "at_least": True}
    assert times(float("inf"), 0.1, 60.0) == {"ratio": 50.0, "at_least": True}
    assert times(1.0, float("inf"), 60.0) is None
    assert times(float("inf"), 1.0, float("inf")) is None


def test_doublings__fits_a_power():
    rows = [
        make_row("rows", 8.0),
        make_row("rows", 2.0, problem="p/inputs:2"),
        make_row("rows", 0.5, problem="p/inputs:4"),
    ]
    (found,) = doublings(rows, "rows")
    assert found["exponent"] == 2.0
    assert found["seconds"] == {"1/4": 0.5, "1/2": 2.0, "1/1": 8.0}


def test_spread__has_five_digits_and_nothing_for_what_was_not_reached():
    assert spread([1.234567, 3.0, float("inf")]) == {"median": 3.0, "least": 1.2346, "largest": None}
