"""The evolved side of the comparison with backprop: a search that is measured on held-out pictures on its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.ovae.clock import Clock
from olacore.data import Dataset, RawBlock, open_dataset
from olacore.data.encoded import EncodedDataset
from olacore.modules.module import Module
from olacore.quality.evaluation import whole_items
from olacore.search.config import TrainConfig
from olacore.search.loop import Search
from olacore.search.run_folder import RunFolder
from olacore.views.scaling import Scaling
from olacore.views.view import View

# Where curves are measured, as shares of the whole; most changes at the start.
MARKS = (0.02, 0.04, 0.08, 0.16, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
Predict = Callable[[RawBlock], np.ndarray]


class Followed(Search):
    """A search on a clock that stands still while anything is validated or measured."""

    def __init__(self, config: TrainConfig, dataset: Dataset, folder: RunFolder, clock: Clock) -> None:
        super().__init__(config, dataset, folder)
        self.clock = clock
        self.curve: list[tuple[float, float]] = []
        total = config.generations or 0
        self.marks = {max(1, round(share * total)) for share in MARKS}

    def follow(self) -> Module:
        """Run to the end, fill `curve` and return the module."""
        self.run(self._measure, lambda: False)
        return self.finish("generations").module

    def _measure(self, line: dict[str, Any]) -> None:
        if line["generation"] in self.marks:
            with self.clock.stopped():
                module = self._module()
                figure = held_out_figure(module.predict, self.view, self.scaling, self.dataset)
                self.curve.append((self.clock.seconds, figure))

    def _reports(self) -> bool:
        return super()._reports() or self.generation in self.marks

    def _warm_up(self, raw: RawBlock) -> None:
        super()._warm_up(raw)
        self.clock.start()

    def _validate(self) -> None:
        with self.clock.stopped():
            super()._validate()


def evolve(config: TrainConfig, clock: Clock | None = None) -> tuple[Module, list[tuple[float, float]]]:
    """Run a search in its folder, and return the module with its curve of (CPU-seconds, held-out figure)."""
    assert config.out is not None
    with open_config(config) as dataset:
        search = Followed(config, dataset, RunFolder(config.out, resume=False, force=True), clock or Clock())
        try:
            return search.follow(), search.curve
        finally:
            search.stream.close()


def open_config(config: TrainConfig) -> Dataset:
    """Open the data of a search, with the latents that it asks for."""
    dataset = open_dataset(config.h5)
    return dataset if config.latents_from is None else EncodedDataset(dataset, config.latents_from)


def held_out_figure(predict: Predict, view: View, scaling: Scaling, dataset: Dataset) -> float:
    """Mean PSNR of held-out pictures in dB for a decoder; for an encoder R2 of all latents together.

    Parameters
    ----------
    predict : answers (out, n) in the scale of the data
    scaling : with the mean that R2 is measured about
    """
    plain = Scaling.identity(view.inputs, view.outputs)
    errors, total = [], 0.0
    for raw, sites in whole_items(view, dataset, dataset.indices("held-out"), (view.input_field, view.target_field)):
        truth = view.gather_targets(raw, plain)
        guess = predict(raw)
        if view.target_bound is not None:
            guess = np.clip(guess, -view.target_bound, view.target_bound)
        else:
            total += float(np.square(truth - scaling.target_mean[:, None]).sum(dtype=np.float64))
        errors.append(np.square(guess - truth).sum(0, dtype=np.float64).reshape(-1, sites).sum(1))
    each = np.concatenate(errors)
    if view.target_bound is None:
        return float(1 - each.sum() / total)
    return float((-10 * np.log10(each / (4 * sites * view.outputs))).mean())
