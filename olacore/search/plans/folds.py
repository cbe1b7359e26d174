"""Answers of modules to samples that they did not see: what a second module can be trained on.

A module's answers to its own training samples are better than those to any others, and a module that learns from them
learns to trust them too much. So there are as many modules as folds, each evolved without one fold of the training
samples, and its answers to that fold are kept.
"""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from olacore.data import Dataset
from olacore.data.texts import certainty, folds_of, read_texts
from olacore.errors import ConfigError
from olacore.files import replace_file
from olacore.modules.module import Module
from olacore.search.config import TrainConfig
from olacore.search.finish import INTERRUPTED, Result
from olacore.search.observers import Folding, notify
from olacore.search.plans.base import Watch, open_data
from olacore.search.plans.single import SINGLE
from olacore.search.run_folder import ANSWERS, FOLD, next_free
from olacore.search.task import Fold, view_for
from olacore.views import View

# Bytes of all answers, which are in memory together.
MOST_BYTES = 1 << 30


def run_folds(config: TrainConfig, watch: Watch) -> Result:
    """Evolve the module in OUT, those of the folds in OUT/fold-00 and so on, and write OUT/answers.npz.

    The modules of the folds take what the data chose for the first one, such as a width.

    Returns
    -------
    the module that saw all training samples, with its figures

    Raises
    ------
    ConfigError  if the view is none whose answers are kept, or there are too few samples or too many numbers
    """
    count = config.folds
    assert count is not None
    alone = replace(config, folds=None, out=config.out or next_free(config.module or "plain"))
    assert alone.out is not None
    with open_data(config) as dataset:
        folds = Folds(dataset, view_for(config, dataset), count, config.seed)
    found = SINGLE.run(alone, watch)
    if found.stopped == INTERRUPTED:
        return found
    told = found.module.training
    each = replace(alone, strategy=told["strategy"], options={**config.options, **told["options"]})
    modules = []
    for number in range(count):
        notify(watch.callbacks, Folding(number + 1, count))
        fold = Fold(number, count, folds.rows_of(number))
        one = SINGLE.run(replace(each, out=alone.out / f"{FOLD}{number:02}"), replace(watch, callbacks=()), fold)
        if one.stopped == INTERRUPTED:
            return replace(found, stopped=INTERRUPTED)
        modules.append(one.module)
    with open_data(config) as dataset:
        content = io.BytesIO()
        np.savez(content, **folds.answers(dataset, found.module, modules))  # type: ignore[arg-type]
    replace_file(alone.out / ANSWERS, content.getvalue())
    return found


class Folds:
    """Which training rows are in which fold, and whose answer to a row is kept.

    Parameters
    ----------
    count : of folds

    Raises
    ------
    ConfigError  as `run_folds`
    """

    def __init__(self, dataset: Dataset, view: View, count: int, seed: int) -> None:
        self.captioned = (view.kind, view.name) == ("denoiser", "text")
        if not (self.captioned or view.kind == "plain"):
            raise ConfigError(f"--folds is for plain pairs and for denoisers of the view text; got the {view.title}.")
        train = dataset.indices("train")
        if self.captioned:
            self.texts = read_texts(dataset)
            self.of_texts = folds_of(self.texts, count, seed)
            numbers, asked = self.of_texts[self.texts.of_rows], len(self.of_texts)
        else:
            if not 2 <= count <= len(train):
                raise ConfigError(f"folds must be 2 to {len(train)}, the training samples; got {count}.")
            numbers, asked = np.full(dataset.count, -1), dataset.count
            numbers[np.random.default_rng(seed).permutation(train)] = np.arange(len(train)) % count
        if asked * view.outputs * 4 > MOST_BYTES:
            raise ConfigError(f"the answers of --folds would take more than {MOST_BYTES >> 20} MiB.")
        self.numbers = np.full(dataset.count, -1)
        self.numbers[train] = numbers[train]

    def rows_of(self, number: int) -> np.ndarray:
        """The training rows of a fold."""
        return np.flatnonzero(self.numbers == number)

    def answers(self, dataset: Dataset, whole: Module, modules: list[Module]) -> dict[str, np.ndarray]:
        """What is kept: of rows of no fold the answers of the module that saw all training samples.

        Returns
        -------
        of plain pairs `answers` (count, out) float32, in the order of the rows, and `folds` (count,), -1 for none; of
        captions what `--text-means` reads: `captions` (k,), `text_means` (k, C, h, w) float16 and `certainty` (k, 2)
        """
        if self.captioned:
            given, numbers = {"embeddings": self.texts.embeddings}, self.of_texts
        else:
            given, numbers = dataset.read(("inputs",), np.arange(dataset.count)), self.numbers
        found = whole.answer(given)
        for number, module in enumerate(modules):
            (mine,) = np.nonzero(numbers == number)
            if len(mine):
                found[mine] = module.answer({name: array[mine] for name, array in given.items()})
        if not self.captioned:
            return {"answers": found, "folds": numbers.astype(np.int16)}
        captions = np.array(self.texts.captions)
        return {"captions": captions, "text_means": found.astype(np.float16), "certainty": certainty(self.texts)}
