"""What a module answers to held-out items, beside what is true and what baselines answer, for pages that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from olacore.data import Dataset
from olacore.errors import DataError
from olacore.modules.module import Module
from olacore.quality.baselines import Baselines
from olacore.quality.evaluation import check_pairing, usable_items, whole_items
from olacore.views.scaling import Scaling

# Items that are looked at, evenly spread over the held-out ones, and the bytes that they may take.
PICTURES, PAIRS, MOST_BYTES = 64, 4096, 1 << 27
# What is shown beside them, where the data have it.
SHOWN = ("frames", "recon", "captions", "rows")


@dataclass(frozen=True)
class Answers:
    """Items of the data with what is said of them.

    Parameters
    ----------
    items : rows of the data set
    count : how many held-out ones there are
    truth, module : (m, ...) pictures uint8, latents (m, C, h, w), or numbers (m, ...)
    closed : of least squares, in the same form; None where there is none
    shown : other fields of the items, such as `frames`, `recon` and `captions`, as far as the data have them
    """

    items: np.ndarray
    count: int
    truth: np.ndarray
    module: np.ndarray
    closed: np.ndarray | None
    shown: Mapping[str, np.ndarray] = field(default_factory=dict)


def answers_of(module: Module, dataset: Dataset, baselines: Baselines | None, split: str = "held-out") -> Answers:
    """Answer items of a split.

    Raises
    ------
    DataError  if it has none
    ShapeError, FingerprintError  if module and data do not belong together
    """
    view, scaling = module.view, module.scaling
    check_pairing(module, dataset)
    usable = usable_items(dataset, view, skip_nonfinite=True)[split]
    if not len(usable):
        raise DataError(f"the data hold no {split} rows to show.")
    fields = view.fields_in(dataset)
    shown = [name for name in SHOWN if dataset.has(name) or (name == "captions" and dataset.captions)]
    numbers = ("frames", "recon", *fields)
    room = MOST_BYTES // max(1, dataset.row_bytes([name for name in dict.fromkeys(numbers) if dataset.has(name)]))
    most = max(1, min(PICTURES if dataset.has("frames") else PAIRS, room))
    items = usable[np.unique(np.linspace(0, len(usable) - 1, min(most, len(usable))).round().astype(np.int64))]
    plain = Scaling.identity(view.inputs, view.outputs)
    if baselines is not None and baselines.weights.shape != (scaling.outputs, view.inputs):
        baselines = None
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("truth", "module", "closed")}
    for raw, _ in whole_items(view, dataset, items, fields):
        # What is made of noise is as large as the latents.
        arrays = {"noisy": raw.arrays.get("latents", np.empty(0)), **raw.arrays}
        true = view.gather(raw, plain).targets
        said = {"truth": (true, plain), "module": (module.forward(raw), scaling)}
        if baselines is not None:
            said["closed"] = (baselines.predict(view.gather(raw, scaling)), scaling)
        for name, (outputs, scale) in said.items():
            out = view.empty(arrays)
            view.assemble(np.ascontiguousarray(outputs, np.float32), raw, scale, out)
            found[name].append(out)
    beside = dataset.read(shown, items) if shown else {}
    closed = np.concatenate(found["closed"]) if found["closed"] else None
    return Answers(items, len(usable), np.concatenate(found["truth"]), np.concatenate(found["module"]), closed, beside)
