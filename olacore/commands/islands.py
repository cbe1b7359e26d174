"""`ola train --islands`, and what several islands say at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from olacore.commands.options import FILE, Which
from olacore.commands.progress import progress_bars
from olacore.commands.say import print_json, say
from olacore.commands.show import number, print_figures, print_table
from olacore.commands.signals import going_on, stop_on_signal
from olacore.foreign.names import counted

if TYPE_CHECKING:
    from olacore.search.config import TrainConfig

F = TypeVar("F", bound=Callable[..., Any])
NAMES = ("islands", "island", "exchange", "every", "free", "graph")


def island_options(command: F) -> F:
    """Add the options of islands to a command."""
    options = (
        click.option("--islands", type=int, help="Search on so many islands, each a process, which exchange migrants."),
        click.option("--island", type=Which("island"), help="Be one of several islands, started apart, as 2/4."),
        click.option("--exchange", type=FILE, help="Folder of the migrants, which all islands see; else OUT/exchange."),
        click.option("--every", type=int, help="Generations between exchanges; by default what the strategy says."),
        click.option("--free", is_flag=True, help="Wait for no other island: faster, and not reproducible."),
        click.option("--graph", metavar="FILE", help='Who takes from whom, as JSON {"1": [2, 3]}; by default a ring.'),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class Asked:
    """Islands that this process is to start.

    Parameters
    ----------
    count : of islands
    rest : what `islands_of` takes beside it
    """

    count: int
    rest: dict[str, Any]


def island_settings(settings: dict[str, Any]) -> tuple[Asked | None, dict[str, Any]]:
    """Take the options of islands out of those of a run.

    Returns
    -------
    the islands that are to be started, if any, and the settings of a run, which may be an island

    Raises
    ------
    UsageError  if they do not go together
    """
    from olacore.search.islands.graph import read_graph
    from olacore.search.islands.island import Island

    given = {name: settings[name] for name in NAMES}
    settings = {name: value for name, value in settings.items() if name not in NAMES}
    if given["islands"] is None and given["island"] is None:
        for name in NAMES:
            if given[name] is not None and given[name] is not False:
                raise click.UsageError(f"--{name} is for islands; give --islands too, or --island.")
        return None, settings
    if given["islands"] is not None and given["island"] is not None:
        raise click.UsageError("--islands starts them all and --island is one of them; give one of the two.")
    graph = None if given["graph"] is None else read_graph(given["graph"])
    rest = {"every": given["every"], "lockstep": not given["free"], "graph": graph}
    if given["islands"] is not None:
        return Asked(given["islands"], {"exchange": given["exchange"], **rest}), settings
    if given["exchange"] is None:
        raise click.UsageError("an island that is started alone needs --exchange, the folder that all of them see.")
    which, count = given["island"]
    return None, {**settings, "island": Island(which - 1, count, given["exchange"], **rest)}


def run_islands(
    config: TrainConfig,
    asked: Asked,
    log_to: Sequence[str],
    as_json: bool,
    backend: str = "local",
    options: Mapping[str, Any] | None = None,
) -> None:
    """Start all islands, and show what each came to, and the figures of the best.

    Parameters
    ----------
    backend : where they run; "local" for processes of this one
    options : of another backend

    Raises
    ------
    OlacoreError  as `islands_of` and `train_islands`
    """
    from olacore.search.islands.driver import train_islands
    from olacore.search.islands.job import islands_of
    from olacore.search.islands.placed import place_islands

    options = dict(options or {})
    if "workers" in options or (options and backend == "local"):
        reason = "all islands run at once" if "workers" in options else "only --backend ray has one"
        raise click.UsageError(f"islands take no --{'workers' if 'workers' in options else 'address'}: {reason}.")
    if log_to:
        raise click.UsageError("--log-to follows one search; give it to each --island, or `ola log` to their folders.")
    configs = islands_of(config, asked.count, **asked.rest)
    settled = configs[0].settled
    assert configs[0].out is not None
    say(f"{counted(asked.count, 'island')} in {configs[0].out.parent}; `ola watch` shows them", err=True)
    with stop_on_signal() as should_stop, progress_bars(settled.seconds, settled.generations) as bars:
        if backend == "local":
            found = train_islands(configs, [bars(f"island {one + 1}") for one in range(asked.count)], should_stop)
        else:
            found = place_islands(configs, backend, should_stop, **options)
    if found.interrupted:
        should_stop.leave(f"the islands are saved in {found.folder}; {going_on(found.folder)}")
    told = [result.module.training for result in found.results]
    made = found.folder / "module.safetensors"
    if as_json:
        names = ("validation_loss", "validation_r2", "generations", "migrated")
        islands = [
            {"folder": str(result.folder), "stopped": result.stopped, **{name: summary[name] for name in names}}
            for result, summary in zip(found.results, told, strict=True)
        ]
        best = {"island": found.number + 1, "notes": [*found.best.notes], **found.best.figures}
        print_json({"folder": str(found.folder), "islands": islands, "best": best})
        return
    print_table(
        ("island", "validation loss", "R2", "generations", "taken", "stopped by"),
        [
            (
                str(one + 1),
                number(summary["validation_loss"]),
                number(summary["validation_r2"]),
                str(summary["generations"]),
                str(summary["migrated"]),
                result.stopped,
            )
            for one, (result, summary) in enumerate(zip(found.results, told, strict=True))
        ],
        "islands, on the same validation samples",
        left=(0, 5),
    )
    heading = found.best.module.view.heading
    for part, figures in found.best.parts.items():
        print_figures(figures, f"{heading} of island {found.number + 1} on {part} samples")
    say(f"{made} is the module of island {found.number + 1}, of {made.stat().st_size} bytes")
    for note in found.best.notes:
        say(note)
