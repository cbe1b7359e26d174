"""`ola demo`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, Seconds
from olacore.commands.progress import progress_bars
from olacore.commands.say import print_json, say
from olacore.commands.show import print_figures
from olacore.commands.signals import stop_on_signal


@click.command()
@click.option("--out", type=FILE, default=Path("demo"), show_default=True, help="Folder for runs and pictures.")
@click.option("--time", "seconds", type=Seconds(), default=20.0, show_default="20s", help="Search for each module.")
@click.option("--force", is_flag=True, help="Replace what is in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def demo(out: Path, seconds: float, force: bool, as_json: bool) -> None:
    """Draw some prompts, then evolve modules that draw, encode and decode, and show what they make."""
    from olacore.demo import run_demo

    with stop_on_signal() as should_stop, progress_bars(seconds) as bars:
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
