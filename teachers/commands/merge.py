"""`ola merge`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from olacore.commands.options import FILE
from olacore.commands.say import print_json, say
from olacore.foreign.names import counted
from teachers.commands.reporting import reporting


@click.command()
@click.argument("shares", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, required=True, help="The data set to write.")
@click.option("--resume", is_flag=True, help="Go on with a file that is not complete; start it if it is missing.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--json", "as_json", is_flag=True, help="Print how many rows and shares were joined as JSON.")
def merge(shares: Sequence[Path], output: Path, resume: bool, force: bool, as_json: bool) -> None:
    """Join the shares of `ola precompute --share` into one data set.

    SHARES are all shares of one plan, or their folder; the plan, plan.hdf5, lies beside them. What comes out is the
    file that `ola precompute` makes without --share.
    """
    import teachers

    with reporting(output, rows="rows") as report:
        made = teachers.merge_shares(shares, output, resume=resume, force=force, progress=report)
    if as_json:
        print_json({"rows": made.rows, "shares": made.shares})
    else:
        say(f"{output}: {counted(made.rows, 'row')} from {counted(made.shares, 'share')}")
