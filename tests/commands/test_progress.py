"""Progress bars."""

import io
import sys
from pathlib import Path

from olacore.commands import progress
from olacore.commands.progress import Bar, progress_bars
from olacore.search.observers import Compiled, Folding, Reported, Started, Trying, Validating


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use(stream: io.StringIO) -> str:
    with Bar("pictures") as bar:
        bar(3, 8, "photo.png")
    with progress_bars(None, 40) as bars:
        follow = bars("encoder")
        line = {"samples": 80, "seconds": 2.0, "generation": 10, "validation_loss": 0.25, "validation_r2": 0.5}
        follow(Trying(1, 4, "shrinkage 0.1"))
        follow(Trying(2, None, "512 units of width 2"))
        follow(Started("encoder", Path("run"), {"generations": 40}, {}))
        follow(Compiled())
        follow(Validating())
        follow(Reported(line, lambda: None))
        follow(Reported(line | {"generation": 20, "validation_loss": None, "validation_r2": None}, lambda: None))
        follow(Folding(1, 8))
    return stream.getvalue()


def test_bars__show_counts_loss_and_rate_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown = use(sys.stderr)
    assert "3/8 photo.png" in shown
    assert "fold 1 of 8" in shown


def test_bars__claim_no_work_before_the_first_event(monkeypatch):
    """A search for a fitness reads no data."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress_bars(None, 40) as bars:
        bars("snake")
    assert "starting" in sys.stderr.getvalue()
    assert "data" not in sys.stderr.getvalue()


def test_bars__are_lines_now_and_then_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert use(sys.stderr) == ""
    monkeypatch.setattr(progress, "APART", 0.0)
    assert use(sys.stderr).splitlines() == [
        "pictures: 3/8 photo.png",
        "encoder: trial 1 of 4, shrinkage 0.1",
        "encoder: trial 2, 512 units of width 2",
        "encoder: compiling",
        "encoder: the first generations",
        "encoder: generation 10, validation loss 0.25000, R2 0.5000, 40 samples/s",
        "encoder: generation 20, validation loss not finite, R2 -, 40 samples/s",
        "encoder: fold 1 of 8",
    ]
