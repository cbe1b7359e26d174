"""`ola merge`, and how a share is written on a command line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from olacore.commands.options import FILE
from olacore.commands.say import print_json, say
from teachers.commands.reporting import reporting


class ShareOf(click.ParamType):
    """One of several shares, written 2/8."""

    name = "i/n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return its number and how many there are; whether there is such a share is found out later."""
        if isinstance(value, tuple):
            return value
        if not (found := re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", value)):
            self.fail(f"{value!r} is no share; write 2/8 for the second of eight.", param, ctx)
        return int(found[1]), int(found[2])


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
        say(f"{output}: {made.rows} rows from {made.shares} shares")
