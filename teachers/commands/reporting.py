"""Progress of work that a signal ends between two batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from olacore.commands.progress import Bar
from olacore.commands.signals import going_on, stop_on_signal


class Stopped(Exception):
    """Leaves the work between two batches."""


@contextmanager
def reporting(h5: Path, **bars: str) -> Iterator[Callable[[str, int, int], None]]:
    """Give what reports how far the work on a file is; a signal ends it with what is done kept, and says how to go on.

    Parameters
    ----------
    bars : what is counted, and what the bar calls it; the first is there from the beginning, the others once they are
        reported
    """
    with stop_on_signal() as should_stop, ExitStack() as stack:
        first = next(iter(bars))
        told: set[str] = set()
        shown = {first: stack.enter_context(Bar(bars[first]))}

        def report(what: str, done: int, total: int) -> None:
            told.add(what)
            if what not in shown:
                shown[what] = stack.enter_context(Bar(bars[what]))
            shown[what](done, total)
            if should_stop():
                raise Stopped

        try:
            yield report
        except Stopped:
            # Before the first row --force has replaced nothing, and what is there is of another run.
            forced = click.get_current_context().params.get("force")
            begun = "rows" in told or (h5.exists() and not forced)
            kept = f"{h5} keeps what is done; {going_on()}"
            should_stop.leave(kept if begun else f"nothing of {h5} is made yet; the same command begins anew")
