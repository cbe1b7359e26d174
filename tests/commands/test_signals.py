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


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_stop_on_signal__a_ctrl_c_after_the_first_signal_interrupts_at_once(first):
    with stop_on_signal() as should_stop:
        signal.raise_signal(first)
        signal.raise_signal(signal.SIGTERM)
        assert should_stop.number == first
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
