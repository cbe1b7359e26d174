"""Signals as wishes."""

import signal

import pytest

from olacore.commands.signals import stop_on_signal


@pytest.mark.parametrize(("number", "word", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)])
def test_stop_on_signal__is_asked_for_and_gives_the_handlers_back(number, word, code, capsys):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_signal() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.Signals[number])
        assert should_stop()
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(SystemExit) as left:
        should_stop.leave("all is saved")
    assert left.value.code == code
    assert capsys.readouterr().err == f"{word}: all is saved\n"


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_stop_on_signal__the_second_signal_is_answered_as_before(first, second):
    answered = []
    before = {number: signal.signal(number, lambda number, _: answered.append(number)) for number in (first, second)}
    try:
        with stop_on_signal() as should_stop:
            signal.raise_signal(first)
            assert answered == []
            signal.raise_signal(second)
            assert (should_stop.number, answered) == (first, [second])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_stop_on_signal__what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_on_signal() as should_stop:
            signal.raise_signal(signal.SIGINT)
            assert not should_stop()
    finally:
        signal.signal(signal.SIGINT, before)
