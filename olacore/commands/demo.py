"""`ola demo`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from olacore.commands.options import FILE, Seconds
from olacore.commands.progress import progress_bars
from olacore.commands.say import print_json, say
from olacore.commands.show import print_figures
from olacore.commands.signals import stop_on_signal

# What tells of trials and of memory, which whoever trains a module of their own wants to know.
DETAILS = ("olacore.search.loop", "olacore.strategies")


@contextmanager
def without_details() -> Iterator[None]:
    """Leave out what searches say of themselves, but not what they warn of."""
    loggers = {name: logging.getLogger(name) for name in DETAILS}
    before = {name: one.level for name, one in loggers.items()}
    for one in loggers.values():
        one.setLevel(logging.WARNING)
    try:
        yield
    finally:
        for name, one in loggers.items():
            one.setLevel(before[name])


@click.command()
@click.option("--out", type=FILE, default=Path("demo"), show_default=True, help="Folder for runs and pictures.")
@click.option("--time", "seconds", type=Seconds(), default=20.0, show_default="20s", help="Search for each module.")
@click.option("--force", is_flag=True, help="Replace what is in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def demo(out: Path, seconds: float, force: bool, as_json: bool) -> None:
    """Draw prompts, evolve small modules, and show what they make."""
    from olacore.demo import run_demo

    with stop_on_signal() as should_stop, progress_bars(seconds) as bars, without_details():
        done = run_demo(out, seconds, force, bars, should_stop)
    if should_stop():
        should_stop.leave(f"what was found so far is in {out}")
    if as_json:
        print_json({**{name: result.figures for name, result in done.results.items()}, "codec": done.codec})
        return
    for name, result in done.results.items():
        print_figures(result.figures, f"{name} on held-out pictures ({result.module.nbytes() / 1000:.1f} kB)")
        for note in result.notes:
            say(note)
    say(
        f"held-out pictures, encoded and decoded: teacher {done.codec['teacher']:.2f} dB, "
        f"organic {done.codec['organic']:.2f} dB PSNR"
    )
    pictures = ", ".join(str(out / f"{name}.png") for name in ("prompts", "drawing", "side_by_side", "curves"))
    say(f"look at {pictures}; the figures are in {out / 'summary.json'}")
