"""Samples, pairs and ratios, on a clock that the test moves."""

import pytest

from bench.common.timing import MOST_CALLS, Timing, paired_ratio
from tests.support.bench_samples import FakeClock


def test_measure__leaves_the_warm_up_out():
    clock = FakeClock()
    timing = clock.watch().measure(clock.action("a", 60.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0))
    assert timing.seconds == (2.0, 3.0, 4.0, 5.0, 6.0)
    assert (timing.median, timing.minimum) == (4.0, 2.0)


def test_compare__alternates_and_pauses_before_every_sample():
    clock = FakeClock()
    sides = {"a": clock.action("a", 1.0), "b": clock.action("b", 2.0)}
    timings = clock.watch(repeats=3).compare(sides, settle=10.0)
    assert clock.calls == ["a", "a", "b", "b", *"ababab"]
    assert timings["a"].seconds == (1.0,) * 3
    assert clock.now == 2 * 1 + 2 * 2 + 3 * (1 + 2) + 6 * 10


def test_compare__calls_a_fast_action_often_enough_for_a_sample():
    clock = FakeClock()
    timing = clock.watch(repeats=5, shortest=1.0).measure(clock.action("a", 0.25))
    assert len(clock.calls) == 2 + 5 * 4
    assert timing.seconds == (0.25,) * 5


def test_compare__bounds_the_calls_of_an_action_too_fast_for_the_clock():
    clock = FakeClock()
    clock.watch(repeats=1, shortest=1.0).measure(clock.action("a", 0.0))
    assert len(clock.calls) == 2 + MOST_CALLS


def test_paired_ratio__compares_neighbours_not_medians():
    # A machine that slows down halfway: each pair says 2, the medians say otherwise.
    slow, fast = Timing((2.0, 2.0, 20.0, 20.0, 20.0)), Timing((1.0, 1.0, 10.0, 10.0, 10.0))
    assert paired_ratio(slow, fast) == 2.0
    assert paired_ratio(fast, slow) == 0.5
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio(slow, Timing((1.0,)))
