"""A search on simulated islands: what its best module is worth after how many seconds."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from bench.islands.simulation import Simulation
from olacore.data import open_dataset
from olacore.search.config import TrainConfig
from olacore.search.run_folder import RunFolder
from olacore.search.start import start
from olacore.search.task import SEARCH_STREAM, Progress, Task
from olacore.search.validation import Validation, take
from olacore.strategies import Candidate
from olacore.strategies.group import Group

# Simulated seconds and the lowest validation loss so far, of an island or of all.
Points = list[tuple[float, float]]
# Seeds of islands that search by themselves lie so far apart.
APART = 1000


def ring(number: int, count: int) -> list[int]:
    """The neighbours of an island on a ring, in their order."""
    return sorted({(number - 1) % count, (number + 1) % count} - {number})


def simulate(config: TrainConfig, count: int, every: int, report_every: int) -> tuple[Points, float]:
    """Run a search on so many islands, and return its curve and the share of the time that exchange took.

    Parameters
    ----------
    every : generations between exchanges of islands that send migrants
    report_every : generations between the points of the curve
    """
    with tempfile.TemporaryDirectory() as folder:
        simulation = Simulation(count, Path(folder))
        runs = simulation.run(lambda group: Island(config, simulation, group, every, report_every).search())
    # Islands report after the same generations; the last of them to come there makes the point.
    points = zip(*runs, strict=True)
    curve = [(max(seconds for seconds, _ in reports), min(loss for _, loss in reports)) for reports in points]
    lowest = np.minimum.accumulate([loss for _, loss in curve])
    return [
        (round(seconds, 3), float(loss)) for (seconds, _), loss in zip(curve, lowest, strict=True)
    ], simulation.exchanged / simulation.epochs


class Island:
    """One of the islands of a search, as the training loop would go through it.

    Parameters
    ----------
    every, report_every : see `simulate`
    """

    def __init__(
        self, config: TrainConfig, simulation: Simulation, group: Group, every: int, report_every: int
    ) -> None:
        self.config, self.simulation, self.group = config, simulation, group
        self.every, self.report_every = every, report_every

    def search(self) -> Points:
        """Go through all generations."""
        config, group = self.config, self.group
        with tempfile.TemporaryDirectory() as folder, open_dataset(config.h5[0]) as dataset:
            task = Task.of(config, dataset, RunFolder(Path(folder), False, True))
            divides = task.strategy.divides
            if divides:
                # What is cached there comes from the strategy of a single island.
                vars(task)["strategy"] = task.strategy.within(group)
            progress, validation = start(task)
            seed = config.seed if divides else config.seed + APART * group.number
            items, rows = task.items["train"], task.block_rows
            points: Points = []
            with task.view.stream(dataset, items, rows, 4 * seed + SEARCH_STREAM, progress.cursor) as stream:
                for generation in range(1, task.schedule + 1):
                    self.advance(task, progress, validation, stream, seed, divides)
                    if generation % self.report_every == 0 or generation == task.schedule:
                        seconds = self.simulation.now(group.number)
                        with self.simulation.stopped():
                            take(progress, validation)
                        points.append((seconds, progress.shown_loss))
        return points

    def advance(self, task: Task, progress: Progress, validation: Validation, stream, seed: int, divides: bool) -> None:
        """One generation, and an exchange where its time has come."""
        group, strategy, state = self.group, progress.strategy, progress.state
        block = task.view.gather(next(stream), progress.scaling)
        strategy.advance(state, block, seed, progress.generation, task.objective)
        progress.generation += 1

        def loss_of(candidate: Candidate) -> float:
            return validation.loss_of(strategy, candidate)

        def validate() -> float:
            take(progress, validation)
            return progress.best_loss

        strategy.between(state, progress.generation, seed, validate, loss_of)
        if group.count > 1 and not divides and progress.generation % self.every == 0:
            sent = group.gather(f"migrants-{progress.generation}", strategy.emigrants(state))
            migrants = [sent[other] for other in ring(group.number, group.count)]
            strategy.immigrate(state, migrants, block, seed, progress.generation, task.objective)
