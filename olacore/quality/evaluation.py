"""Figures of a module on data, beside the baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from olacore.blocks import Block, RawBlock, every_row
from olacore.data import SPLITS, Dataset, find_nonfinite, iterate_once
from olacore.errors import DataError
from olacore.modules.kinds import KINDS
from olacore.modules.module import Module
from olacore.quality.baselines import Baselines, fit_to_data
from olacore.quality.metrics import Metrics
from olacore.registry import Registry
from olacore.spaces import require_same
from olacore.views import View
from olacore.views.scaling import Scaling

ITEMS_AT_ONCE = 8


def check_pairing(module: Module, dataset: Dataset) -> None:
    """Raise unless `module` belongs to the latent space of `dataset` and rows of its view can be cut from it.

    Raises
    ------
    ShapeError  if the dimensions disagree
    FingerprintError  if the latent spaces do; both are named
    """
    module.view.check(dataset)
    require_same("the module", module.space, "the data", dataset.space, then="use data of the module's own space")


def usable_items(dataset: Dataset, view: View, skip_nonfinite: bool) -> dict[str, np.ndarray]:
    """Return the items of each split, without those that hold NaN or inf.

    Raises
    ------
    DataError  if there are such items and they are not to be skipped
    """
    fields = tuple(name for name in view.fields if dataset.is_float(name))
    count, where = find_nonfinite(dataset, fields, first=dataset.count) if fields else (0, np.empty(0, np.int64))
    if count and not skip_nonfinite:
        places = ", ".join(str(index) for index in where[:5])
        raise DataError(
            f"{count} of {dataset.count} rows hold NaN or inf in {' or '.join(fields)} (first at {places}); "
            "give --skip-nonfinite to leave them out."
        )
    return {split: np.setdiff1d(dataset.indices(split), where) for split in SPLITS}


def evaluate(
    module: Module,
    dataset: Dataset,
    baselines: Baselines | None = None,
    split: str = "held-out",
    skip_nonfinite: bool = False,
) -> dict[str, dict[str, Any]]:
    """Measure a module on one part of the data.

    Parameters
    ----------
    baselines : least squares and mean, in the module's scaling; fitted to the training rows of the data if not given
    split : "train", "validation" or "held-out"
    skip_nonfinite : leave items with NaN or inf out instead of refusing the data

    Returns
    -------
    figures of `module` and of the baselines that its kind names, such as `least_squares`, `mean`, and `teacher` where
    a decoder's data hold the teacher's decoding; see `Metrics.figures`

    Raises
    ------
    DataError  if the part is empty, or the data hold NaN or inf
    ShapeError, FingerprintError  if module and data do not belong together
    """
    check_pairing(module, dataset)
    items = usable_items(dataset, module.view, skip_nonfinite)
    indices = items[split]
    if not len(indices):
        raise DataError(f"the data hold no {split} rows to evaluate on.")
    baselines = baselines or fit_for(module, dataset, items)
    view, scaling, kind = module.view, module.scaling, KINDS.find(module.kind)
    shown = [BASELINES.find(name) for name in kind.baselines]
    shown = [baseline for baseline in shown if baseline.applies(view, dataset)]
    mean = scaling.restore_targets(baselines.mean[:, None].copy())
    names = ["module", *(baseline.name for baseline in shown)]
    sums = {name: Metrics(mean[:, 0], "psnr" in kind.figures) for name in names}
    fields = tuple(dict.fromkeys((*view.fields, *(field for baseline in shown for field in baseline.fields))))
    for raw, sites in whole_items(view, dataset, indices, fields):
        block = view.gather(raw, scaling)
        target = scaling.restore_targets(block.targets.copy())
        sums["module"].add(module.answer_samples(raw), target, target.shape[1] // sites)
        for baseline in shown:
            answer = baseline.answer(Measured(view, scaling, baselines, raw, block))
            sums[baseline.name].add(answer, target, target.shape[1] // sites)
    return {name: sums[name].figures() for name in names}


@dataclass(frozen=True)
class Measured:
    """What a baseline may look at: the samples that a module is measured on, raw and as a block."""

    view: View
    scaling: Scaling
    fitted: Baselines
    raw: RawBlock
    block: Block


class Baseline(ABC):
    """What a module's figures are shown beside.

    Attributes
    ----------
    name : what it is found by
    fields : data sets that it reads beside those of the view
    """

    name: ClassVar[str]
    fields: ClassVar[tuple[str, ...]] = ()

    def applies(self, view: View, dataset: Dataset) -> bool:
        """Whether the data have what it takes."""
        return all(dataset.has(field) for field in self.fields)

    @abstractmethod
    def answer(self, measured: Measured) -> np.ndarray:
        """Return its answers (out, n), in the scale of the data."""


BASELINES: Registry[Baseline] = Registry("baseline")


class LeastSquaresBaseline(Baseline):
    """Least squares of the module's shape."""

    name: ClassVar[str] = "least_squares"

    def answer(self, measured: Measured) -> np.ndarray:
        """What was fitted."""
        return measured.scaling.restore_targets(measured.fitted.predict(measured.block))


class MeanBaseline(Baseline):
    """The mean of the training targets, whatever the inputs."""

    name: ClassVar[str] = "mean"

    def answer(self, measured: Measured) -> np.ndarray:
        """The mean."""
        mean = measured.scaling.restore_targets(measured.fitted.mean[:, None].copy())
        return np.broadcast_to(mean, measured.block.targets.shape)


class TeacherBaseline(Baseline):
    """The teacher's own decoding, where the data hold it."""

    name: ClassVar[str] = "teacher"
    fields: ClassVar[tuple[str, ...]] = ("recon",)

    def answer(self, measured: Measured) -> np.ndarray:
        """The decoding, cut as targets are."""
        view, raw = measured.view, measured.raw
        swapped = {**raw.arrays, "frames": raw.arrays["recon"]}
        return view.gather_targets(replace(raw, arrays=swapped), Scaling.identity(view.inputs, view.outputs))


for baseline in (LeastSquaresBaseline(), MeanBaseline(), TeacherBaseline()):
    BASELINES.add(baseline)


def whole_items(
    view: View, dataset: Dataset, indices: np.ndarray, fields: tuple[str, ...]
) -> Iterator[tuple[RawBlock, int]]:
    """Give all rows of the items `indices`, in order, some items at a time, with the number of rows an item has."""
    sites = view.sites(dataset)
    for _, arrays in iterate_once(dataset, indices, fields, ITEMS_AT_ONCE if sites > 1 else 1024):
        yield every_row(arrays, sites), sites


def fit_for(module: Module, dataset: Dataset, items: dict[str, np.ndarray]) -> Baselines:
    """Fit the baselines of a module to the training rows of a data set.

    Raises
    ------
    DataError  if the data hold no training or validation rows
    """
    return fit_to_data(dataset, module.view, module.scaling, items, module.training.get("seed", 0))


def baselines_beside(path: Path, module: Module) -> Baselines | None:
    """Return the baselines that the run of a module left beside its file, if they are there and of its shape."""
    kept = path.parent / "baselines.safetensors"
    if not kept.exists():
        return None
    found = Baselines.load(kept)
    return found if found.weights.shape == (module.view.outputs, module.view.inputs) else None
