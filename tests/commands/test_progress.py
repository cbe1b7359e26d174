"""Progress bars."""

import io
import sys
from pathlib import Path

from rich.progress import Progress

from olacore.commands import progress
from olacore.commands.progress import Bar, progress_bars
from olacore.search.observers import Compiled, Reported, Started, Trying


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def use(stream: io.StringIO, trials: bool = False) -> str:
    with Bar("pictures") as bar:
        bar(3, 8, "photo.png")
    with progress_bars(None, 40) as bars:
        follow = bars("encoder")
        line = {"samples": 80, "seconds": 2.0, "generation": 10, "validation_loss": 0.25, "validation_r2": 0.5}
        if trials:
            follow(Trying(1, 4, "shrinkage 0.1"))
            follow(Trying(2, None, "512 units of width 2"))
        follow(Started("encoder", Path("run"), {"generations": 40}, {}))
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


def test_bars__tell_of_trials(monkeypatch):
    monkeypatch.setattr(progress, "APART", 0.0)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert use(sys.stderr, trials=True).splitlines()[1:3] == [
        "encoder: trial 1 of 4, shrinkage 0.1",
        "encoder: trial 2, 512 units of width 2",
    ]
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.delenv("NO_COLOR", raising=False)
    seen = []
    monkeypatch.setattr(Progress, "update", lambda self, task, **told: seen.append(told.get("note")))
    monkeypatch.setattr(sys, "stderr", Terminal())
    use(sys.stderr, trials=True)
    notes = [note for note in seen if note]
    assert notes[1:4] == ["trial 1 of 4, shrinkage 0.1", "trial 2, 512 units of width 2", "compiling"]
    assert notes[5] == "the first generations"
