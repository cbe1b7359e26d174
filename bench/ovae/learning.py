"""Backprop of the shape of an evolved stack, on the rows that the search saw, for as many CPU-seconds.

It starts at least squares, which is given to it for nothing; the rate falls as a cosine to the end of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from bench.common.clock import Clock
from bench.ovae.followed import MARKS, held_out_figure, open_config
from olacore.blocks import Block, RawBlock, rows_of
from olacore.data import Dataset
from olacore.errors import ConfigError
from olacore.modules.module import Module, load
from olacore.quality.baselines import Baselines
from olacore.quality.evaluation import usable_items
from olacore.search.config import TrainConfig
from olacore.search.task import SEARCH_STREAM
from olacore.strategies.common.readout import LINEAR

# Rows of a step, steps before the clock starts, and the share of the rate that is left at the end.
BATCH, WARM_UP, LEAST_RATE = 1024, 3, 0.02


def run_backprop(config: TrainConfig, rate: float, seconds: float, clock: Clock | None = None) -> dict[str, Any]:
    """Learn the shape of an evolved module by backprop, for so many CPU-seconds."""
    assert config.out is not None
    module, baselines = load(config.out), Baselines.load(config.out / "baselines.safetensors")
    with open_config(config) as dataset:
        return Learning(config, module, baselines, dataset, rate, seconds, clock or Clock()).run()


class Learning:
    """One run of backprop: the same rows in the same order as the evolved search, in smaller batches."""

    def __init__(
        self,
        config: TrainConfig,
        module: Module,
        baselines: Baselines,
        dataset: Dataset,
        rate: float,
        seconds: float,
        clock: Clock,
    ) -> None:
        self.config, self.dataset, self.clock = config, dataset, clock
        self.rate, self.seconds = rate, seconds
        self.view, scaling = module.view, module.scaling
        # The evolved answer works in the linear part of tanh; here it is linear, of the usual scale.
        self.scaling = replace(scaling, target_scale=scaling.target_scale / LINEAR)
        self.start = LINEAR * baselines.weights, LINEAR * baselines.biases
        self.units = len(module.hidden[0].biases) if module.hidden else 1
        self.network = self._new()
        self.curve: list[tuple[float, float]] = []
        self.steps = 0

    def run(self) -> dict[str, Any]:
        """Learn until the seconds are spent."""
        items = usable_items(self.dataset, self.view, self.config.skip_nonfinite)["train"]
        marks = [share * self.seconds for share in MARKS]
        seed = 4 * self.config.seed + SEARCH_STREAM
        block: Block | None = None
        with self.view.stream(self.dataset, items, self.config.block, seed) as stream:
            raw = next(stream)
            self._warm_up(raw)
            self.clock.start()
            while marks:
                block = self.view.gather(raw, self.scaling, block)
                for batch in batches(block, self.config):
                    self.network.step(*batch, self._rate())
                    self.steps += 1
                    while marks and self.clock.seconds >= marks[0]:
                        marks.pop(0)
                        with self.clock.stopped():
                            self.curve.append((self.clock.seconds, self._figure()))
                    if not marks:
                        break
                raw = next(stream)
        return {"curve": self.curve, "steps": self.steps}

    def _new(self) -> Any:
        try:
            from teachers.comparison.backprop import Network
        except ImportError as error:
            raise ConfigError(f"backprop needs {error.name}; pip install 'olacore[teachers]'.") from error
        return Network(*self.start, self.units, self.config.seed)

    def _rate(self) -> float:
        share = min(self.clock.seconds / self.seconds, 1.0)
        return float(self.rate * max(LEAST_RATE, 0.5 * (1 + np.cos(np.pi * share))))

    def _warm_up(self, raw: RawBlock) -> None:
        network, block = self._new(), self.view.gather(raw, self.scaling)
        for _, batch in zip(range(WARM_UP), batches(block, self.config), strict=False):
            network.step(*batch, self.rate)

    def _figure(self) -> float:
        def predict(raw: RawBlock) -> np.ndarray:
            inputs, _ = rows_of(self.view.gather(raw, self.scaling))
            return self.scaling.restore_targets(self.network.predict(inputs))

        return held_out_figure(predict, self.view, self.scaling, self.dataset)


def batches(block: Block, config: TrainConfig) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cut a block into inputs (n, in), targets (n, out) and roots (n,) of whole batches, of one where it is small."""
    inputs, targets = rows_of(block)
    roots = config.settled.objective.roots(block.targets)
    size = min(BATCH, len(inputs))
    for first in range(0, len(inputs) - size + 1, size):
        rows = slice(first, first + size)
        yield inputs[rows], targets[rows], roots[rows]
