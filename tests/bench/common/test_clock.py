"""A clock that stands still while anything is measured."""

import pytest

from bench.common.clock import Clock


def test_clock__stands_still_while_it_is_stopped():
    now = [5.0]
    clock = Clock(lambda: now[0], lambda: 2 * now[0])
    with clock.stopped():
        now[0] += 1
    assert (clock.seconds, clock.wall) == (0, 0)
    clock.start()
    now[0] += 2
    with clock.stopped():
        now[0] += 10
        assert (clock.seconds, clock.wall) == (2, 4)
    now[0] += 3
    assert (clock.seconds, clock.wall) == (5, 10)
    clock.start()
    assert clock.seconds == 0


def test_stopped__runs_again_after_an_error():
    now = [0.0]
    clock = Clock(lambda: now[0], lambda: now[0])
    clock.start()
    with pytest.raises(RuntimeError, match="measured"), clock.stopped():
        raise RuntimeError("measured")
    now[0] += 1
    assert clock.seconds == 1


def test_clock__goes_on_where_it_was_stopped():
    now = [0.0]
    clock = Clock(lambda: now[0], lambda: 2 * now[0])
    clock.start()
    now[0] += 2
    clock.stop()
    now[0] += 10
    with clock.stopped():
        now[0] += 1
    assert (clock.seconds, clock.wall) == (2, 4)
    clock.go_on()
    now[0] += 3
    assert (clock.seconds, clock.wall) == (5, 10)
