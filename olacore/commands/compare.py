"""`ola compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from olacore.commands.options import ENCODER, FILE, data_sets, force_folder, page, skip_nonfinite, split
from olacore.commands.progress import Bar
from olacore.commands.say import print_json, say
from olacore.commands.show import number, print_table
from olacore.foreign.names import counted

# What would be taken for the same figure.
APART = "R2 while `ola train` runs is of validation samples"


@click.command()
@click.argument("module", type=ENCODER)
@data_sets
@split
@skip_nonfinite
@click.option("--out", type=FILE, default=Path("compare"), show_default=True, help="Folder for plots and figures.")
@page
@force_folder
@click.option("--json", "as_json", is_flag=True, help="Print what compare.json holds.")
def compare(
    module: Path,
    h5: Sequence[Path],
    split: str,
    skip_nonfinite: bool,
    out: Path,
    page: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Compare an encoder's latents with those of a data set. Channel by channel, with plots.

    MODULE is a file, a run folder, a name or hf:user/name of the hub.
    """
    from olacore.data import open_dataset
    from olacore.files import check_folder, check_output
    from olacore.modules.module import load
    from olacore.quality.compare.measure import compare_latents
    from olacore.quality.compare.report import write_comparison
    from olacore.reports.asked import short_path
    from olacore.reports.page import write_page
    from olacore.reports.quality_pages import compare_latents_page

    check_folder(out, force)
    if page:
        check_output(page, force)
    encoder = load(module)
    with open_dataset(h5) as dataset, Bar("frames") as bar:
        made = compare_latents(encoder, dataset, split, skip_nonfinite, bar)
        write_comparison(made, encoder, dataset, out)
        if page:
            write_page(compare_latents_page(made, encoder, dataset, short_path(module)), page)
    if as_json:
        print_json(made.figures)
        return
    print_compare(made.figures, f"latents of {module} beside {split} rows", split)
    say(f"look at {out / 'scatter.png'} and {out / 'worst.png'}; the figures are in {out / 'compare.json'}")


def print_compare(figures: dict[str, Any], title: str, split: str) -> None:
    """Print the figures of `ola compare` as a table, one row a channel."""
    names = ("r2_each", "mean", "teacher_mean", "spread", "teacher_spread")
    head = ("channel", "R2", "mean", "teacher's", "spread", "teacher's")
    rows = [(channel, *(number(figures[name][channel]) for name in names)) for channel in range(len(figures["mean"]))]
    print_table(head, rows, title, left=())
    told = ", ".join(f"{name} {number(figures[name])}" for name in ("r2", "l2", "cosine", "cosine_centered"))
    say(f"{counted(figures['frames'], f'{split} frame')}: {told}" + ("" if split == "validation" else f"; {APART}"))
