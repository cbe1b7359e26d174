"""What closed form offers for the same shape: printed beside evolution, never returned by it.

`least_squares` is the best of several fits, chosen on validation rows: to y and clipped, or to atanh(y) and passed
through tanh, each with ridges.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.blocks import Block, RawBlock, rows_of
from olacore.data import Dataset
from olacore.errors import DataError, FileFormatError
from olacore.files import replace_file
from olacore.foreign.json_text import parse_json
from olacore.foreign.schema import maybe, number, one_of, record, require, whole
from olacore.foreign.tensors import read_safetensors
from olacore.views import View
from olacore.views.scaling import Scaling

SCHEMA = "olacore/baselines/1"
ABOUT_NUMBERS = {
    "link": one_of(["clip", "tanh"]),
    "ridge": number(0),
    "rows": whole(1),
    "validation_loss": maybe(number(0)),
}
ABOUT = record(ABOUT_NUMBERS)
RIDGES = (0.0, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0)
# atanh of a target at the edge of tanh's range would dominate every other row.
EDGE = 0.995
BLOCK_ROWS, VALIDATION_ROWS, MOST_ROWS = 16_384, 16_384, 1 << 19
# Streams of one search differ by these numbers; 0 and 1 are the search's own.
VALIDATION_STREAM, BASELINES_STREAM = 2, 3


@dataclass(frozen=True)
class Baselines:
    """Least squares of a module's shape, and the mean of its targets, in its standardised inputs and targets.

    Parameters
    ----------
    weights : (out, in) float32
    biases : (out,) float32
    mean : (out,) float32, the training targets' mean
    link : "clip" or "tanh", what `W x + b` passes through
    ridge : share of the inputs' mean variance that was added to each
    rows : training rows that it was fitted to
    validation_loss : its mean squared error on the validation samples, in the units of the targets
    """

    weights: np.ndarray
    biases: np.ndarray
    mean: np.ndarray
    link: str
    ridge: float
    rows: int
    validation_loss: float

    def predict(self, block: Block) -> np.ndarray:
        """Least squares' predictions (out, n)."""
        inputs, _ = rows_of(block)
        with threadpool_limits(1, user_api="blas"):
            raw = (inputs @ self.weights.T + self.biases).T
        return np.tanh(raw) if self.link == "tanh" else np.clip(raw, -1, 1)

    def save(self, path: Path) -> None:
        """Write the baselines as one safetensors file."""
        from safetensors.numpy import save

        tensors = {"weights": self.weights, "biases": self.biases, "mean": self.mean}
        content = {
            "schema": SCHEMA,
            "link": self.link,
            "ridge": self.ridge,
            "rows": self.rows,
            # JSON has no word for what is not finite.
            "validation_loss": self.validation_loss if np.isfinite(self.validation_loss) else None,
        }
        replace_file(path, save(tensors, {"olacore": json.dumps(content, sort_keys=True)}))

    @classmethod
    def load(cls, path: Path) -> Baselines:
        """Read what `save` wrote.

        Raises
        ------
        FileFormatError  if it is damaged or something else
        """
        about, tensors = read_safetensors(path, "file of baselines", "`ola train`", ("F32",))
        content = parse_json(about.get("olacore", "null"), f"the metadata of {path}")
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise FileFormatError(f"{path} holds no baselines of the schema {SCHEMA!r}.")
        require(ABOUT, content, str(path))
        found = {name: tensor.shape for name, tensor in tensors.items()}
        size = found.get("weights", ())
        shapes = {"weights": size, "biases": size[:1], "mean": size[:1]}
        if found != shapes or len(size) != 2 or 0 in size:
            raise FileFormatError(f"{path} is damaged: baselines are {', '.join(shapes)}, one row an output.")
        if not all(np.isfinite(tensor).all() for tensor in tensors.values()):
            raise FileFormatError(f"{path} is damaged: it holds NaN or inf.")
        given: dict[str, Any] = {**tensors, **{name: content[name] for name in ABOUT_NUMBERS}}
        if given["validation_loss"] is None:
            given["validation_loss"] = np.inf
        return cls(**given)


def fit_baselines(blocks: Iterable[Block], validation: Block, scaling: Scaling | None = None) -> Baselines:
    """Fit the best closed form to all samples of `blocks`, by the mean squared error on `validation`, standardised.

    Without a `scaling` the validation loss that is kept is that of the standardised targets.

    The products are summed in float64 by one BLAS thread, so that the number of threads changes nothing.
    """
    with threadpool_limits(1, user_api="blas"):
        gram, to_y, to_atanh = _sum_products(blocks)
        rows = gram[-1, -1]
        mean = (to_y[-1] / rows).astype(np.float32)
        truth = validation.targets
        units = 1.0 if scaling is None else np.square(scaling.target_scale, dtype=np.float64)
        best, least = None, np.inf
        for link, products in (("clip", to_y), ("tanh", to_atanh)):
            for ridge in RIDGES:
                weights, biases = _solve(gram, products, ridge)
                fitted = Baselines(weights, biases, mean, link, ridge, int(rows), np.inf)
                losses = ((fitted.predict(validation) - truth) ** 2).mean(-1, dtype=np.float64)
                if best is None or losses.mean() < least:
                    least, best = losses.mean(), replace(fitted, validation_loss=float((losses * units).mean()))
    assert best is not None
    return best


def fit_to_data(dataset: Dataset, view: View, scaling: Scaling, items: dict[str, np.ndarray], seed: int) -> Baselines:
    """Fit the baselines of a module to the training rows of a data set, at most `MOST_ROWS` of them.

    Parameters
    ----------
    items : of the splits "train" and "validation"
    seed : of the module's search, so that both see the same validation rows

    Raises
    ------
    DataError  if one of the splits is empty
    """
    validation = view.gather(validation_samples(dataset, view, items["validation"], seed), scaling)
    with view.stream(dataset, items["train"], BLOCK_ROWS, 4 * seed + BASELINES_STREAM) as stream:
        count = min(stream.blocks_per_pass, MOST_ROWS // BLOCK_ROWS)
        return fit_baselines((view.gather(next(stream), scaling) for _ in range(count)), validation, scaling)


def validation_samples(dataset: Dataset, view: View, items: np.ndarray, seed: int) -> RawBlock:
    """Return the validation samples that candidates and closed forms are chosen by: the first of a seeded order."""
    if not len(items):
        raise DataError("the data hold no validation rows; make them from more sources, or give more files.")
    with view.stream(dataset, items, VALIDATION_ROWS, 4 * seed + VALIDATION_STREAM) as stream:
        return next(stream)


def _sum_products(blocks: Iterable[Block]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gram = to_y = to_atanh = None
    for block in blocks:
        inputs, targets = rows_of(block)
        wide = np.hstack([inputs, np.ones((len(inputs), 1), np.float32)]).astype(np.float64)
        bent = np.arctanh(np.clip(targets, -EDGE, EDGE))
        parts = wide.T @ wide, wide.T @ targets, wide.T @ bent
        if gram is None:
            gram, to_y, to_atanh = parts
        else:
            gram += parts[0]
            to_y += parts[1]
            to_atanh += parts[2]
    assert gram is not None
    assert to_y is not None
    assert to_atanh is not None
    return gram, to_y, to_atanh


def _solve(gram: np.ndarray, products: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray]:
    size = len(gram) - 1
    power = np.trace(gram[:size, :size]) / size or 1.0  # inputs that never change are all zero
    penalty = np.full(size + 1, (ridge + 1e-9) * power)
    penalty[size] = 0
    solution = np.linalg.solve(gram + np.diag(penalty), products).T.astype(np.float32)
    return np.ascontiguousarray(solution[:, :size]), np.ascontiguousarray(solution[:, size])
