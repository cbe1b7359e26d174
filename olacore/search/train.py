"""Training: the search that a configuration asks for, in its run folder."""

from __future__ import annotations

from collections.abc import Callable

from olacore.data import open_dataset
from olacore.data.encoded import EncodedDataset
from olacore.search.config import PAIR, TrainConfig
from olacore.search.loop import Progress, Result, Search
from olacore.search.pair import PairSearch, train_pair
from olacore.search.run_folder import RunFolder, next_free

__all__ = ["Progress", "Result", "train"]


def train(
    config: TrainConfig,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Result:
    """Evolve a module, or a pair of them, from a data set.

    Parameters
    ----------
    progress : called with each line of the log
    should_stop : asked after every generation; true ends the run as an interruption, saved and ready to resume

    Raises
    ------
    OlacoreError  one of its kinds, for any known fault of settings, data or output
    """
    if config.module == PAIR:
        return train_pair(config, run_search, progress, should_stop)
    return run_search(config, progress, should_stop)


def run_search(config: TrainConfig, progress: Progress | None, should_stop: Callable[[], bool]) -> Result:
    """Run one search in its run folder."""
    kind = PairSearch if config.module == PAIR else Search
    folder = RunFolder(config.out or next_free(config.module), config.resume, config.force)
    with folder.removed_if_empty(), open_dataset(config.h5) as dataset:
        if config.latents_from is not None:
            dataset = EncodedDataset(dataset, config.latents_from)
        search = kind(config, dataset, folder)
        try:
            stopped = search.run(progress or (lambda line: None), should_stop)
            return search.finish(stopped)
        finally:
            search.stream.close()
