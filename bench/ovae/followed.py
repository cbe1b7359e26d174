"""The evolved side of the comparison with backprop: a search that is measured on held-out pictures on its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bench.common.clock import Clock
from olacore.blocks import RawBlock
from olacore.data import Dataset, open_dataset
from olacore.data.encoded import EncodedDataset
from olacore.modules.module import Module, load
from olacore.quality.evaluation import whole_items
from olacore.quality.psnr import psnr_from_error
from olacore.search.config import TrainConfig
from olacore.search.observers import Compiled, Event, Reported, Validated, Validating
from olacore.search.train import train
from olacore.views import View
from olacore.views.scaling import Scaling

# Where curves are measured, as shares of the whole; most changes at the start.
MARKS = (0.02, 0.04, 0.08, 0.16, 0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
Predict = Callable[[RawBlock], np.ndarray]


class Follower:
    """Watches a search on a clock that stands still while anything is validated or measured.

    Attributes
    ----------
    curve : (CPU-seconds, held-out figure) at every mark
    """

    def __init__(self, dataset: Dataset, marks: set[int], clock: Clock) -> None:
        self.dataset, self.marks, self.clock = dataset, marks, clock
        self.curve: list[tuple[float, float]] = []

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Compiled):
            self.clock.start()
        elif isinstance(event, Validating):
            self.clock.stop()
        elif isinstance(event, Validated):
            self.clock.go_on()
        elif isinstance(event, Reported) and event.line["generation"] in self.marks:
            with self.clock.stopped():
                module = event.module()
                figure = held_out_figure(module.answer_samples, module.view, module.scaling, self.dataset)
                self.curve.append((self.clock.seconds, figure))


def evolve(config: TrainConfig, clock: Clock | None = None) -> tuple[Module, list[tuple[float, float]]]:
    """Run a search in its folder, and return the module with its curve of (CPU-seconds, held-out figure)."""
    total = config.settled.generations or 0
    marks = {max(1, round(share * total)) for share in MARKS}
    with open_config(config) as dataset:
        follower = Follower(dataset, marks, clock or Clock())
        return train(replace(config, force=True), (follower,), report_at=marks).module, follower.curve


def open_config(config: TrainConfig) -> Dataset:
    """Open the data of a search, with the latents that it asks for."""
    dataset = open_dataset(config.h5)
    return dataset if config.latents_from is None else EncodedDataset(dataset, load(config.latents_from))


def held_out_figure(predict: Predict, view: View, scaling: Scaling, dataset: Dataset) -> float:
    """Mean PSNR of held-out pictures in dB for a decoder; for an encoder R2 of all latents together.

    Parameters
    ----------
    predict : answers (out, n) in the scale of the data
    scaling : with the mean that R2 is measured about
    """
    plain = Scaling.identity(view.inputs, view.outputs)
    errors, total = [], 0.0
    for raw, sites in whole_items(view, dataset, dataset.indices("held-out"), view.fields):
        truth = view.gather_targets(raw, plain)
        guess = predict(raw)
        if view.bound is not None:
            guess = np.clip(guess, -view.bound, view.bound)
        else:
            total += float(np.square(truth - scaling.target_mean[:, None]).sum(dtype=np.float64))
        errors.append(np.square(guess - truth).sum(0, dtype=np.float64).reshape(-1, sites).sum(1))
    each = np.concatenate(errors)
    if view.bound is None:
        return float(1 - each.sum() / total)
    return float(psnr_from_error(each / (sites * view.outputs), 2 * view.bound).mean())
