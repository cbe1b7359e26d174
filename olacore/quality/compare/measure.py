"""An encoder's latents beside those of a data set, over many frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from olacore.data import Dataset, iterate_once
from olacore.errors import ConfigError, DataError
from olacore.modules.module import Module
from olacore.quality.evaluation import ITEMS_AT_ONCE, check_pairing, usable_items
from olacore.quality.latent_agreement import LatentAgreement
from olacore.views.patch import PatchEncoder

BINS = 96
# Standard deviations around the teacher's mean that a scatter plot spans; what lies further out is put on its edge.
REACH = 4.5
WORST = 8


@dataclass(frozen=True)
class Comparison:
    """What `compare_latents` found.

    Parameters
    ----------
    figures : of `LatentAgreement`, with `split`, `frames` and `worst`: row, source and L2 of the worst frames
    counts : (C, BINS, BINS) sites by the teacher's value, then by ours
    edges : (C, BINS + 1) of the bins, the same for both
    worst : (k,) rows of the data set, the worst first
    """

    figures: dict[str, Any]
    counts: np.ndarray
    edges: np.ndarray
    worst: np.ndarray


def compare_latents(
    module: Module,
    dataset: Dataset,
    split: str = "held-out",
    skip_nonfinite: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Encode the frames of one part of the data, some at a time, and compare with their latents.

    Raises
    ------
    ConfigError  if the module is no encoder of the patch view
    DataError  if the part is empty, or the data hold NaN or inf
    ShapeError, FingerprintError  if module and data do not belong together
    """
    view = module.view
    if not isinstance(view, PatchEncoder):
        raise ConfigError(
            f"latents are compared for an encoder of the patch view; this is a {view.title}: "
            "measure it with `ola eval`."
        )
    check_pairing(module, dataset)
    indices = usable_items(dataset, view, skip_nonfinite)[split]
    if not len(indices):
        raise DataError(f"the data hold no {split} rows to compare.")
    edges = _edges(dataset, indices)
    counts = np.zeros((view.channels, BINS, BINS))
    agreement = LatentAgreement()
    done = 0
    for some, arrays in iterate_once(dataset, indices, ("frames", "latents"), ITEMS_AT_ONCE):
        ours, theirs = module.encode(arrays["frames"]), arrays["latents"].astype(np.float32)
        agreement.add(ours, theirs)
        for channel, bounds in enumerate(edges):
            x, y = (np.clip(part[:, channel].ravel(), bounds[0], bounds[-1]) for part in (theirs, ours))
            counts[channel] += np.histogram2d(x, y, bins=[bounds, bounds])[0]
        done += len(some)
        progress(done, len(indices))
    errors = agreement.picture_l2()
    order = np.argsort(-errors, kind="stable")[:WORST]
    rows = dataset.read(("rows",), indices[order])["rows"]
    worst = [
        {"row": int(indices[place]), "source": dataset.sources[row["source"]].name, "l2": float(errors[place])}
        for place, row in zip(order, rows, strict=True)
    ]
    figures = {"split": split, "frames": len(indices), **agreement.figures(), "worst": worst}
    return Comparison(figures, counts, edges, indices[order])


def _edges(dataset: Dataset, indices: np.ndarray) -> np.ndarray:
    """Bounds of the bins of each channel, around what some latents show."""
    some = indices[np.unique(np.linspace(0, len(indices) - 1, min(64, len(indices))).round().astype(np.int64))]
    latents = dataset.read(("latents",), some)["latents"].astype(np.float64)
    mean, spread = latents.mean((0, 2, 3)), np.maximum(latents.std((0, 2, 3)), 1e-6)
    return np.linspace(mean - REACH * spread, mean + REACH * spread, BINS + 1, axis=1)
