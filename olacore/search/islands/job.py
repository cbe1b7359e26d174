"""One island as a job that any backend runs, and the modules of all of them at the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from olacore.errors import ConfigError
from olacore.files import is_there, make_folder, replace_file
from olacore.foreign.json_text import read_json
from olacore.foreign.names import counted
from olacore.search.config import TrainConfig
from olacore.search.finish import INTERRUPTED, Result
from olacore.search.islands.island import Graph, Island, name_of
from olacore.search.islands.post import RUN
from olacore.search.observers import Callback
from olacore.search.plans.base import open_data
from olacore.search.run_folder import REFINED, RunFolder, next_free
from olacore.search.run_log import MODULE
from olacore.search.task import Task, check_exchanges
from olacore.search.train import train

EXCHANGE = "exchange"


@dataclass(frozen=True)
class Archipelago:
    """What several islands gave.

    Parameters
    ----------
    folder : that their run folders are in
    results : of the islands, in their order; without those that were stopped before they had any
    incomplete : whether there are islands without a result
    """

    folder: Path
    results: tuple[Result, ...]
    incomplete: bool = False

    @property
    def interrupted(self) -> bool:
        """Whether an island is to go on."""
        return self.incomplete or any(result.stopped == INTERRUPTED for result in self.results)

    @property
    def number(self) -> int:
        """Which island has the lowest validation loss, from 0 on."""
        losses = [float(result.module.training["validation_loss"]) for result in self.results]
        return min(range(len(losses)), key=lambda number: (not losses[number] <= float("inf"), losses[number]))

    @property
    def best(self) -> Result:
        """The result of that island."""
        return self.results[self.number]


def run_island(
    config: TrainConfig, callbacks: Sequence[Callback] = (), should_stop: Callable[[], bool] = lambda: False
) -> Result:
    """Run one island in its run folder; what it exchanges goes through the folder that `config.island` names.

    A backend that starts it once more after its death gives `resume`: with or without a checkpoint, the bytes at the
    end are the same.

    Raises
    ------
    ConfigError  if the settings are of no island
    OlacoreError  as `train`
    """
    if config.island is None:
        raise ConfigError("expected the settings of an island; TrainConfig.island is None.")
    return train(config, callbacks, should_stop)


def islands_of(
    config: TrainConfig,
    count: int,
    exchange: Path | None = None,
    every: int | None = None,
    lockstep: bool = True,
    graph: Graph | None = None,
) -> list[TrainConfig]:
    """Return the settings of each of several islands: run folders OUT/island-1 and so on, the same seed.

    Parameters
    ----------
    config : of all; its run folder is the one that theirs are in
    exchange : folder, which has to be there; None for OUT/exchange, which is made
    every, lockstep, graph : as of `Island`

    Raises
    ------
    ConfigError  if they cannot be islands, or the folder is resumed with another number of them
    OutputExistsError  if there are runs already, and they are neither resumed nor replaced
    """
    first = Island(0, count, exchange or Path(EXCHANGE), every, lockstep, graph)
    out = config.out
    if config.resume and out is not None and (there := count_in(out, exchange or out / EXCHANGE)) not in (None, count):
        raise ConfigError(
            f"the run in {out} was started with {counted(there, 'island')}, not {count}; give --islands {there} to go "
            "on with it."
        )
    # What cannot be is refused before a folder is made.
    check_exchanges(first, type(replace(config, island=first).settled.strategy))
    out = out or next_free(config.module or "plain")
    place = exchange or out / EXCHANGE
    configs = [
        replace(config, out=out / name_of(number), island=replace(first, number=number, exchange=place))
        for number in range(count)
    ]
    folder = RunFolder(out, config.resume, config.force)
    for each in configs:
        assert each.out is not None
        RunFolder(each.out, config.resume, config.force)
    if config.force:
        # Only what turns out to be sound takes the place of what was there, and of no run that goes on.
        with folder.held(), open_data(config) as dataset:
            Task.of(configs[0], dataset, folder)
            clear(place)
    if exchange is None:
        make_folder(place)
    return configs


def count_in(folder: Path, exchange: Path) -> int | None:
    """How many islands a run was started with; None where nothing says so.

    An island that was stopped before its search began has left no run folder, so folders alone do not tell.
    """
    if is_there(exchange / RUN):
        told = read_json(exchange / RUN, "the run of an exchange folder,")
        if isinstance(told, dict) and isinstance(told.get("islands"), int):
            return int(told["islands"])
    return None


def clear(exchange: Path) -> None:
    """Take an earlier run out of an exchange folder."""
    for path in [exchange / RUN, *exchange.glob("island-[0-9]*/*.safetensors")]:
        path.unlink(missing_ok=True)


def gather(folder: Path, results: Sequence[Result], incomplete: bool = False) -> Archipelago:
    """Put the module of the best island into the folder that all are in, unless one is to go on.

    Parameters
    ----------
    results : of the islands, in their order
    incomplete : whether there are islands without a result

    Raises
    ------
    OutputError  if it cannot be written
    """
    found = Archipelago(folder, tuple(results), incomplete)
    if not found.interrupted:
        for name in (MODULE, REFINED):
            if is_there(made := found.best.folder / name):
                replace_file(folder / name, made.read_bytes())
    return found
