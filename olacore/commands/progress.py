"""Progress on standard error: bars on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from olacore.commands.say import say
from olacore.foreign.names import shown

# Seconds between two lines of a run where there is no terminal.
APART = 30.0


class Bar:
    """A progress bar for work with a known total, or lines."""

    def __init__(self, what: str) -> None:
        self.bars = bars()
        self.what = what
        self.told = time.monotonic()

    def __enter__(self) -> Bar:
        self.bars.start()
        self.task = self.bars.add_task(shown(self.what), total=None, note="")
        return self

    def __exit__(self, *error: object) -> None:
        self.bars.stop()

    def __call__(self, done: int, total: int, what: str = "") -> None:
        """Show that `done` of `total` are done, and `what` comes next."""
        note = f"{done}/{total} {shown(what)}"
        self.bars.update(self.task, completed=done, total=total, note=note)
        if self.bars.disable and time.monotonic() - self.told >= APART:
            self.told = time.monotonic()
            say(f"{self.what}: {note.rstrip()}", err=True)


@contextmanager
def progress_bars(
    seconds: float | None, generations: int | None = None
) -> Iterator[Callable[[str], Callable[[Any], None]]]:
    """Make the callbacks of training runs: a bar of the limit of each, or lines, with loss, R2 and rate."""
    unit, total = ("seconds", seconds) if seconds else ("generation", generations)
    with bars() as drawn:

        def follow(name: str) -> Callable[[dict[str, Any]], None]:
            task = drawn.add_task(shown(name), total=total, note="starting")
            told = time.monotonic()

            def update(event: Any) -> None:
                nonlocal told
                if unit == "generation" and (settings := getattr(event, "settings", None)):
                    # The data may ask for a strategy with another schedule.
                    drawn.update(task, total=settings.get("generations", total))
                if not (note := note_of(event)):
                    return
                drawn.update(task, note=note, **({"completed": event.line[unit]} if hasattr(event, "line") else {}))
                if drawn.disable and time.monotonic() - told >= APART:
                    told = time.monotonic()
                    say(f"{name}: {note}", err=True)

            return update

        yield follow


def note_of(event: Any) -> str:
    """What an event says in a few words; nothing of most."""
    from olacore.search.observers import Compiled, Folding, Reported, Started, Trying

    if isinstance(event, Reported):
        return noted(event.line)
    if isinstance(event, Trying):
        return f"trial {event.number}{'' if event.total is None else f' of {event.total}'}, {event.what}"
    if isinstance(event, Folding):
        return f"fold {event.number} of {event.total}"
    return "compiling" if isinstance(event, Started) else "the first generations" if isinstance(event, Compiled) else ""


def noted(line: dict[str, Any]) -> str:
    """What a line of a log says in a few words."""
    rate = line["samples"] / max(line["seconds"], 1e-9)
    if "fitness" in line:
        return f"generation {line['generation']}, fitness {line['fitness']:.4g}, {rate:,.0f} genomes/s"
    loss = "not finite" if line["validation_loss"] is None else f"{line['validation_loss']:.5f}"
    r2 = "-" if line["validation_r2"] is None else f"{line['validation_r2']:.4f}"
    return f"generation {line['generation']}, validation loss {loss}, R2 {r2}, {rate:,.0f} samples/s"


def bars() -> Progress:
    """Make bars, off where standard error is no terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, disable=not console.is_terminal)
