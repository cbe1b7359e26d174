"""`ola log`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from olacore.commands.options import FILE
from olacore.commands.say import say
from olacore.foreign.names import counted


@click.command()
@click.argument("runs", type=FILE, nargs=-1, required=True)
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="NAME[=PLACE]",
    help="tensorboard, wandb, trackio or mlflow, and the folder, project or experiment there; may be repeated.",
)
def log(runs: Sequence[Path], targets: Sequence[str]) -> None:
    """Send runs that are over to a logger such as TensorBoard. It gets what `ola train --log-to` sends while they run.

    A run that was interrupted is sent as far as it came. A folder stands for the runs in it.
    """
    from olacore.errors import FileFormatError
    from olacore.search.loggers import replay
    from olacore.search.run_log import name_of, runs_in

    for path in runs:
        if not (found := runs_in(path)):
            raise FileFormatError(f"{path} holds no run.")
        for folder in found:
            count = replay(folder, targets)
            say(f"{name_of(folder)}: {counted(count, 'line')} to {', '.join(targets)}")
