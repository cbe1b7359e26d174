"""`ola export`."""

from __future__ import annotations

from pathlib import Path

import click

from olacore.commands.options import FILE, force_output
from olacore.commands.say import say


@click.command()
@click.argument("module", type=FILE)
@click.option("--to", required=True, help="The form: npz, plain NumPy arrays that need nothing of olacore.")
@click.option("-o", "--output", required=True, type=FILE, help="The file to write.")
@force_output
def export(module: Path, to: str, output: Path, force: bool) -> None:
    """Write a module in a form that other programs run.

    MODULE is a file, a run folder or a name.
    """
    from olacore.exports import EXPORTERS
    from olacore.exports.base import export as write
    from olacore.modules.module import load

    EXPORTERS.find(to)  # before anything is read
    loaded = load(module)
    write(loaded, to, output, force)
    say(f"{output}: {loaded.view.title}, {output.stat().st_size:,} bytes")
