"""One search for one module."""

from __future__ import annotations

from dataclasses import replace

from olacore.search.advice import ended_by_default
from olacore.search.config import TrainConfig
from olacore.search.finish import Result, best_module, finish, keep_refined
from olacore.search.loop import search
from olacore.search.plans.base import Plan, Watch, open_data
from olacore.search.run_folder import REFINED, RunFolder, next_free
from olacore.search.task import Fold, Task


class SinglePlan(Plan):
    """Every kind of module that is one map, or one stack."""

    name = "single"

    def run(self, config: TrainConfig, watch: Watch, fold: Fold | None = None) -> Result:
        """Search in the run folder, without the samples of a fold."""
        folder = RunFolder(config.out or next_free(config.module or "plain"), config.resume, config.force)
        with folder.held(), open_data(config) as dataset:
            task = Task.of(config, dataset, folder, fold)
            progress, stopped = search(task, watch.callbacks, watch.should_stop, watch.report_at)
            module = best_module(task, progress)
            result = finish(module, dataset, folder, task.items, stopped, config.skip_nonfinite)
            if config.pictures_from is not None:
                keep_refined(result.module, config.pictures_from, folder.path / REFINED)
            if said := ended_by_default(task.config, stopped):
                result = replace(result, notes=(*result.notes, said))
            return watch.finished(result)


# One search, of any kind of module that has no plan of its own.
SINGLE = SinglePlan()
