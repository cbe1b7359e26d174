"""Islands of a strategy that sends migrants: small searches, alone, in threads and in processes that are killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from olacore.blocks import Block
from olacore.losses.objective import MSE, Objective
from olacore.search import loop
from olacore.search.config import TrainConfig
from olacore.search.finish import Result
from olacore.search.islands.exchange import WaitingEnded
from olacore.search.islands.island import Island, name_of
from olacore.search.islands.job import run_island
from olacore.search.observers import Compiled, Event
from olacore.strategies import STRATEGIES, Rows, State
from tests.support.makers import make_config


@dataclass(frozen=True)
class Sailing(Rows):
    """Rows that sail: each output row of the mean goes to other islands, and stays where it is the better one."""

    name: ClassVar[str] = "sailing"
    exchanges: ClassVar[int | None] = 2

    def emigrants(self, state: State) -> State:
        """The mean."""
        weights, biases = self._mean(state)
        return {"weights": weights, "biases": biases}

    def immigrate(
        self,
        state: State,
        migrants: Sequence[State],
        block: Block,
        seed: int,
        generation: int,
        objective: Objective = MSE,
    ) -> int:
        """The best rows take the place of the genome that is trusted least."""
        here = self.emigrants(state)
        weights, biases = (np.stack([here[name], *(one[name] for one in migrants)]) for name in ("weights", "biases"))
        best = objective.score(weights, biases, block.inputs, block.targets).argmin(0)
        rows = np.arange(len(best))
        place = np.lexsort((state["born"], state["trust"]))[0]
        state["weights"][place], state["biases"][place] = weights[best, rows], biases[best, rows]
        state["evidence"][place] = 0
        return int((best > 0).sum())


def island_configs(data: Path, folder: Path, count: int, **changes: Any) -> list[TrainConfig]:
    """Settings of islands in lockstep, whose run folders and exchange folder are in `folder`."""
    exchange = folder / "exchange"
    exchange.mkdir(parents=True, exist_ok=True)
    of_island = {name: changes.pop(name) for name in ("every", "lockstep", "graph") if name in changes}
    configs = []
    for number in range(count):
        island = Island(number, count, exchange, **of_island)
        asked = {"strategy": "sailing", "generations": 8, **changes}
        configs.append(make_config(data, folder / name_of(number), island=island, **asked))
    return configs


def run_in_threads(configs: Sequence[TrainConfig]) -> list[Result]:
    """Run islands together in this process."""
    with ThreadPoolExecutor(len(configs)) as pool:
        return list(pool.map(run_island, configs))


def run_in_turns(configs: Sequence[TrainConfig]) -> list[Result]:
    """Run islands one after the other, each as far as it comes without the others, until all have ended."""
    results: list[Result | None] = [None] * len(configs)
    began = [config.resume for config in configs]
    while not all(results):
        for number, config in enumerate(configs):
            if results[number] is None:
                asked = iter(range(100))
                # Stopped as soon as it waits: it asks after each generation too, and goes on there.
                found = run_island(replace(config, resume=began[number]), should_stop=lambda a=asked: next(a) >= 2)
                began[number] = True
                results[number] = None if found.stopped == "interrupted" else found
    return [result for result in results if result is not None]


def often_saved(
    config: TrainConfig, callbacks: Sequence[Callable[[Event], None]], should_stop: Callable[[], bool]
) -> Result:
    """An island that saves a checkpoint whenever it may."""
    STRATEGIES.add(Sailing)  # a process of its own
    loop.CHECKPOINT_SECONDS = -1
    return run_island(config, callbacks, should_stop)


def plan_deaths(configs: Sequence[TrainConfig], count: int, most: float, seed: int = 0) -> Path:
    """Note that islands are to be killed, at random moments of at most so many seconds; return where that is noted."""
    draw = np.random.default_rng(seed)
    island = configs[0].island
    assert island is not None
    folder = island.exchange / "deaths"
    folder.mkdir()
    for death in range(count):
        name = name_of(int(draw.integers(len(configs))))
        (folder / f"{name}-{death:02}").write_text(str(draw.uniform(0, most)))
    return folder


def dying(config: TrainConfig, callbacks: Sequence[Callable[[Event], None]], should_stop: Callable[[], bool]) -> Result:
    """An island that is killed as `plan_deaths` has noted, a death each time that it is started."""
    assert config.island is not None
    planned = sorted((config.island.exchange / "deaths").glob(f"{config.island.name}-*"))

    def die_later(event: Event) -> None:
        if planned and isinstance(event, Compiled):
            seconds = float(planned[0].read_text())
            planned[0].unlink()
            threading.Thread(target=_kill_after, args=(seconds,), daemon=True).start()

    return often_saved(config, (*callbacks, die_later), should_stop)


def _kill_after(seconds: float) -> None:
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def always_dying(
    config: TrainConfig, callbacks: Sequence[Callable[[Event], None]], should_stop: Callable[[], bool]
) -> Result:
    """The second of some islands dies at once, whenever it is started."""
    assert config.island is not None
    if config.island.number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return often_saved(config, callbacks, should_stop)


def faulty(config: TrainConfig, callbacks: Sequence[Callable[[Event], None]], should_stop: Callable[[], bool]) -> Any:
    """An island with a fault that nobody foresaw."""
    return 1 / 0


def waiting(config: TrainConfig, callbacks: Sequence[Callable[[Event], None]], should_stop: Callable[[], bool]) -> Any:
    """An island that waits for the others in the midst of a generation until it is to stop."""
    while not should_stop():
        pass
    raise WaitingEnded("the search was stopped while it waited for other islands; go on with --resume.")
