"""Signals as wishes."""

import signal
from pathlib import Path

import click
import pytest

from olacore.commands.signals import going_on, stop_on_signal


@pytest.mark.parametrize(("number", "word", "code"), [("SIGINT", "interrupted", 130), ("SIGTERM", "terminated", 143)])
def test_stop_on_signal__is_asked_for_and_gives_the_handlers_back(number, word, code, capfd):
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with stop_on_signal() as should_stop:
        assert not should_stop()
        signal.raise_signal(signal.Signals[number])
        assert should_stop()
        assert capfd.readouterr().err == "stopping after what is being done; a second signal ends it at once\n"
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before
    with pytest.raises(SystemExit) as left:
        should_stop.leave("all is saved")
    assert left.value.code == code
    assert capfd.readouterr().err == f"{word}: all is saved\n"


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


@pytest.mark.parametrize(
    ("given", "how"),
    [
        ({"out": Path("x")}, "and --resume"),
        ({"out": None}, "and --resume --out runs/x"),
        ({"out": Path("x"), "force": True}, "and --resume, without --force"),
    ],
)
def test_going_on__is_by_the_same_command(given, how):
    with click.Context(click.Command("train")) as context:
        context.params = given
        assert going_on(Path("runs/x")).replace("\\", "/") == f"go on with the same command {how}"
        assert "without" not in going_on(Path("runs/x"), with_force=True)
