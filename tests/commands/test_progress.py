"""Progress bars."""

import io
import sys

from olacore.commands import progress
from olacore.commands.progress import Bar, progress_bars
from olacore.search.observers import Compiled, Reported


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use(stream: io.StringIO) -> str:
    with Bar("pictures") as bar:
        bar(3, 8, "photo.png")
    with progress_bars(None, 40) as bars:
        follow = bars("encoder")
        line = {"samples": 80, "seconds": 2.0, "generation": 10, "validation_loss": 0.25, "validation_r2": 0.5}
        follow(Reported(line, lambda: None))
        follow(Compiled())
        follow(Reported(line | {"generation": 20, "validation_loss": None, "validation_r2": None}, lambda: None))
    return stream.getvalue()


def test_bars__show_counts_loss_and_rate_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stderr", Terminal())
    shown = use(sys.stderr)
    assert "3/8 photo.png" in shown
    assert "generation 20, validation loss not finite, R2 -, 40 samples/s" in shown


def test_bars__are_lines_now_and_then_elsewhere(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert use(sys.stderr) == ""
    monkeypatch.setattr(progress, "APART", 0.0)
    count, first, second = use(sys.stderr).splitlines()
    assert count == "pictures: 3/8 photo.png"
    assert first == "encoder: generation 10, validation loss 0.25000, R2 0.5000, 40 samples/s"
    assert second == "encoder: generation 20, validation loss not finite, R2 -, 40 samples/s"
