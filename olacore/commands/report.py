"""`ola report`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from olacore.commands.options import FILE, force_output
from olacore.commands.say import say


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, default=Path("report.html"), show_default=True, help="The file to write.")
@click.option("--h5", type=FILE, multiple=True, help="Data of the runs, where they are no longer where they were.")
@click.option("--decoder", help="Shows latents as pictures: a file or a name; by default one that is shipped.")
@click.option(
    "--beside",
    multiple=True,
    help="NAME=LOSS, or NAME=FILE with lines like a log's: what else is known, such as backprop; may be repeated.",
)
@click.option("--pictures", type=click.IntRange(0, 64), default=8, show_default=True, help="Samples to show at most.")
@force_output
def report(
    runs: Sequence[Path],
    output: Path,
    h5: Sequence[Path],
    decoder: str | None,
    beside: Sequence[str],
    pictures: int,
    force: bool,
) -> None:
    """Show runs in one file of HTML. It has curves, figures, pictures, and how to use and repeat them.

    RUNS are folders that `ola train` made, or folders with several of them. Several runs are compared on one page. The
    file holds everything and asks for nothing; it can be sent and printed.
    """
    from olacore.files import check_output
    from olacore.reports.curves import known_beside
    from olacore.reports.report import report as write
    from olacore.reports.run_page import Wishes

    check_output(output, force)
    wishes = Wishes(h5, decoder, known_beside(beside), pictures)
    size = write(runs, output, wishes)
    say(f"{output} has {size:,} bytes; open it in a browser")
