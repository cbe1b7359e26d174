"""Figures of a module on data, beside the baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from olacore.blocks import Block, RawBlock, every_row
from olacore.data import SPLITS, Dataset, find_nonfinite, iterate_once
from olacore.data.decoded import DECODER
from olacore.data.open_file import text_maker
from olacore.errors import DataError, FingerprintError
from olacore.modules.kinds import KINDS
from olacore.modules.module import Module
from olacore.quality.baselines import Baselines, fit_to_data
from olacore.quality.metrics import Metrics
from olacore.registry import Registry
from olacore.spaces import require_same
from olacore.views import View
from olacore.views.scaling import Scaling

ITEMS_AT_ONCE = 8
# Fields that a text teacher makes.
OF_TEXT_TEACHERS = {"embeddings", "tokens"}
# A decoder without the refiner that it carries.
ALONE = "without_refiner"
# Figures of a module and of each baseline by name.
Figures = dict[str, dict[str, Any]]


def check_pairing(module: Module, dataset: Dataset) -> None:
    """Raise unless `module` belongs to the latent space of `dataset` and rows of its view can be cut from it.

    Raises
    ------
    ShapeError  if the dimensions disagree
    FingerprintError  if the latent spaces do, or the text teachers where embeddings are read or answered, or the
    decoders whose pictures are refined; both are named
    """
    module.view.check(dataset)
    require_same("the module", module.space, "the data", dataset.space, then="use data of the module's own space")
    ours, theirs = text_maker(module.training), text_maker(dataset.settings)
    if OF_TEXT_TEACHERS & {*module.view.fields} and ours and theirs and ours != theirs:
        makers = f"the module was evolved with those of {ours}, the data have those of {theirs}"
        raise FingerprintError(f"embeddings differ: {makers}; use data of the module's own text teacher.")
    ours, theirs = module.training.get("pictures_sha256"), dataset.settings.get(DECODER)
    if "recon" in module.view.fields and ours != theirs:
        makers = f"the module was evolved with those of {_decoder(ours)}, the data have those of {_decoder(theirs)}"
        then = "name the module's own decoder with --pictures-from" if ours else "leave --pictures-from out"
        raise FingerprintError(f"decoded pictures differ: {makers}; {then}.")


def _decoder(digest: Any) -> str:
    """Who made decoded pictures: a decoder, by the start of its digest, or a teacher, whose own are in the file."""
    return f"the decoder {str(digest)[:12]}" if digest else "a teacher"


def usable_items(dataset: Dataset, view: View, skip_nonfinite: bool) -> dict[str, np.ndarray]:
    """Return the items of each split that count for a view, without those that hold NaN or inf.

    Raises
    ------
    DataError  if there are such items and they are not to be skipped
    """
    fields = tuple(name for name in view.fields_in(dataset) if dataset.is_float(name))
    count, where = find_nonfinite(dataset, fields, first=dataset.count) if fields else (0, np.empty(0, np.int64))
    if count and not skip_nonfinite:
        places = ", ".join(str(index) for index in where[:5])
        raise DataError(
            f"{count} of {dataset.count} rows hold NaN or inf in {' or '.join(fields)} (first at {places}); "
            "give --skip-nonfinite to leave them out."
        )
    kept = np.setdiff1d(view.items(dataset), where)
    return {split: np.intersect1d(dataset.indices(split), kept) for split in SPLITS}


def evaluate_parts(
    module: Module,
    dataset: Dataset,
    baselines: Baselines | None = None,
    split: str = "held-out",
    skip_nonfinite: bool = False,
) -> dict[str, Figures]:
    """Measure a module on one split of the data, each part of it that has a name apart.

    Parameters
    ----------
    baselines : least squares and mean, in the module's scaling; fitted to the training rows of the data if not given
    split : "train", "validation" or "held-out"
    skip_nonfinite : leave items with NaN or inf out instead of refusing the data

    Returns
    -------
    by the name of the part, or of the split for rows of no such part: figures of `module`, of a decoder that carries a
    refiner `without_refiner` too, and of the baselines that its kind names, such as `least_squares`, `mean`, and
    `teacher` where a decoder's data hold the teacher's decoding; see `Metrics.figures`

    Raises
    ------
    DataError  if the split is empty, or the data hold NaN or inf
    ShapeError, FingerprintError  if module and data do not belong together
    """
    check_pairing(module, dataset)
    items = usable_items(dataset, module.view, skip_nonfinite)
    indices = items[split]
    if not len(indices):
        raise DataError(f"the data hold no {split} rows to evaluate on.")
    baselines = baselines or fit_for(module, dataset, items)
    parts = parts_of(dataset, indices, split)
    return {part: measure(module, dataset, baselines, some) for part, some in parts.items()}


def evaluate(
    module: Module,
    dataset: Dataset,
    baselines: Baselines | None = None,
    split: str = "held-out",
    skip_nonfinite: bool = False,
) -> Figures:
    """Measure a module on one split of the data, which has no parts of several names; see `evaluate_parts`.

    Parameters
    ----------
    module : of a kind that the data have inputs and targets for
    dataset : of the module's latent space
    baselines : fitted ones to measure beside it; None for none
    split : "train", "validation" or "held-out"
    skip_nonfinite : leave items with NaN or inf out instead of refusing the data

    Returns
    -------
    of the module and of each baseline: losses in the units of the targets, PSNR in dB, R2 and cosines without unit

    Raises
    ------
    DataError  also if it has several parts, whose mean would say nothing
    """
    parts = evaluate_parts(module, dataset, baselines, split, skip_nonfinite)
    if len(parts) > 1:
        raise DataError(f"{split} rows are of {', '.join(parts)}: measure them apart, with `evaluate_parts`.")
    return next(iter(parts.values()))


def parts_of(dataset: Dataset, indices: np.ndarray, split: str) -> dict[str, np.ndarray]:
    """Some rows of a split by the names of their parts, sorted; those without one by the name of the split."""
    if not any(source.part for source in dataset.sources):
        return {split: indices}
    sources = dataset.read(("rows",), indices, checked=False)["rows"]["source"].tolist()
    names = np.array([dataset.sources[source].part or split for source in sources])
    return {str(name): indices[names == name] for name in np.unique(names)}


def joined(parts: Mapping[str, Figures]) -> dict[str, Any]:
    """Figures by part, or those of a whole split as they are, where no part has a name."""
    return dict(parts[next(iter(parts))] if parts.keys() <= {*SPLITS} and len(parts) == 1 else parts)


def measure(module: Module, dataset: Dataset, baselines: Baselines, indices: np.ndarray) -> Figures:
    """Return the figures of a module, and of what it is shown beside, on some rows; see `evaluate_parts`."""
    view, scaling, kind = module.view, module.scaling, KINDS.find(module.kind)
    shown = [BASELINES.find(name) for name in kind.baselines]
    shown = [baseline for baseline in shown if baseline.applies(view, dataset)]
    mean = scaling.restore_targets(baselines.mean[:, None].copy())
    own = ["module", ALONE] if module.refiner else ["module"]
    names = [*own, *(baseline.name for baseline in shown)]
    sums = {name: Metrics(mean[:, 0], "psnr" in kind.figures) for name in names}
    fields = tuple(
        dict.fromkeys((*view.fields_in(dataset), *(field for baseline in shown for field in baseline.fields)))
    )
    for raw, sites in whole_items(view, dataset, indices, fields):
        block = view.gather(raw, scaling)
        target = view.gather_truth(raw) if scaling.basis is not None else scaling.restore_targets(block.targets.copy())
        sums[own[-1]].add(module.answer_samples(raw), target, target.shape[1] // sites)
        if module.refiner:
            refined = cut_pictures(view, raw, module.run(raw.arrays["latents"]))
            sums["module"].add(refined, target, target.shape[1] // sites)
        for baseline in shown:
            answer = baseline.answer(Measured(view, scaling, baselines, raw, block))
            sums[baseline.name].add(answer, target, target.shape[1] // sites)
    return {name: sums[name].figures() for name in names}


def loss_on(module: Module, dataset: Dataset, indices: np.ndarray) -> float:
    """Return the mean squared error of a module on some rows, in the units of the targets."""
    view = module.view
    sums = Metrics(np.zeros(view.outputs), "psnr" in KINDS.find(module.kind).figures)
    for raw, _ in whole_items(view, dataset, indices, view.fields_in(dataset)):
        sums.add(module.answer_samples(raw), view.gather_truth(raw))
    return float(sums.squared.sum()) / (sums.rows * view.outputs)


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
        return np.broadcast_to(mean, (len(mean), measured.block.rows))


class TeacherBaseline(Baseline):
    """The teacher's own decoding, where the data hold it."""

    name: ClassVar[str] = "teacher"
    fields: ClassVar[tuple[str, ...]] = ("recon",)

    def answer(self, measured: Measured) -> np.ndarray:
        """The decoding, cut as targets are."""
        return cut_pictures(measured.view, measured.raw, measured.raw.arrays["recon"])


class BlockMeanBaseline(Baseline):
    """The mean colour of the block of pixels at each latent site: what a decoder without detail can reach."""

    name: ClassVar[str] = "block_mean"
    fields: ClassVar[tuple[str, ...]] = ("frames", "latents")

    def answer(self, measured: Measured) -> np.ndarray:
        """The means of the true pictures, cut as targets are."""
        view, raw = measured.view, measured.raw
        frames = raw.arrays["frames"]
        count, height, width, _ = frames.shape
        rows, columns = raw.arrays["latents"].shape[-2:]
        blocks = frames.reshape(count, rows, height // rows, columns, width // columns, 3)
        means = np.broadcast_to(blocks.mean((2, 4), keepdims=True).round().astype(np.uint8), blocks.shape)
        swapped = {**raw.arrays, "frames": means.reshape(frames.shape)}
        return view.gather_targets(replace(raw, arrays=swapped), Scaling.identity(view.inputs, view.outputs))


for baseline in (LeastSquaresBaseline(), MeanBaseline(), BlockMeanBaseline(), TeacherBaseline()):
    BASELINES.add(baseline)


def cut_pictures(view: View, raw: RawBlock, pictures: np.ndarray) -> np.ndarray:
    """Pictures of the items of a raw block, cut as targets are: (out, n) float32, in the scale of the data."""
    swapped = replace(raw, arrays={**raw.arrays, "frames": pictures})
    return view.gather_targets(swapped, Scaling.identity(view.inputs, view.outputs))


def whole_items(
    view: View, dataset: Dataset, indices: np.ndarray, fields: tuple[str, ...]
) -> Iterator[tuple[RawBlock, int]]:
    """Give all rows of the items `indices`, in order, some items at a time, with the number of rows an item has."""
    sites = view.sites(dataset)
    for some, arrays in iterate_once(dataset, indices, fields, ITEMS_AT_ONCE if sites > 1 else 1024):
        yield replace(every_row(arrays, sites), indices=some), sites


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
    return found if found.weights.shape == (module.scaling.outputs, module.view.inputs) else None
