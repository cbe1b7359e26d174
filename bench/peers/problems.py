"""The problems that searches are compared on: rows cut from photographs and a teacher's latents, all in memory.

Training rows are learnt from, validation rows choose, held-out rows are only reported; the split is by photograph.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.blocks import Block, RawBlock, rows_of
from olacore.data import Dataset, open_dataset
from olacore.errors import ConfigError
from olacore.kernels.layout import CHUNK, empty_packed
from olacore.quality.evaluation import usable_items
from olacore.search.config import TrainConfig
from olacore.search.task import SAMPLE_ROWS, SAMPLE_STREAM, view_for
from olacore.views import View
from olacore.views.scaling import Scaling

# Rows cut at once while a problem is loaded.
PIECE = 64 * CHUNK
# Directions of the inputs that vary less than this share of the most varied one are not scaled up further.
FLOOR = 1e-6
SIDES = ("inputs", "outputs", "rows")


@dataclass(frozen=True)
class Recipe:
    """Where the rows of a problem come from.

    Parameters
    ----------
    data : which data set, a key of `bench.peers.data.DATA`
    settings : of the view, as `TrainConfig` takes them
    """

    data: str
    settings: dict[str, Any]


PROBLEMS = {
    "encoder-768-4": Recipe("taesd-2", {"module": "encoder", "border": 4}),
    "decoder-36-192": Recipe("taesd-2", {"module": "decoder", "window": 3}),
    "decoder-100-192": Recipe("taesd-2", {"module": "decoder", "window": 5}),
    "sd3-decoder-144-192": Recipe("taesd3-2", {"module": "decoder", "window": 3}),
    "sd3-encoder-768-16": Recipe("taesd3-2", {"module": "encoder", "border": 4}),
    "global-512-4": Recipe("taesd-8", {"module": "encoder", "view": "global"}),
}


@dataclass(frozen=True)
class Split:
    """Rows of one part of the data, as the kernels read them.

    Parameters
    ----------
    inputs : (chunks, in, CHUNK) float32
    targets : (out, n) float32
    """

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def rows(self) -> int:
        """Number of samples n."""
        return self.targets.shape[1]

    def block(self, first: int, chunks: int) -> Block:
        """The rows of so many chunks from chunk `first`."""
        last = first + chunks
        return Block(self.inputs[first:last], np.ascontiguousarray(self.targets[:, first * CHUNK : last * CHUNK]))

    def blocks(self, rows: int, seed: int) -> Iterator[Block]:
        """Endless blocks of about `rows`, in whole chunks, in another order and cut in other places every pass."""
        chunks = len(self.inputs)
        size = min(max(1, round(rows / CHUNK)), chunks)
        draw = np.random.default_rng([seed, rows])
        while True:
            shift = draw.integers(chunks % size + 1)
            for part in draw.permutation(chunks // size):
                yield self.block(int(shift + part * size), size)

    def mapped(self, matrix: np.ndarray) -> Split:
        """The same rows with inputs `matrix @ x`; matrix is (to, in)."""
        inputs = np.empty((len(self.inputs), len(matrix), CHUNK), np.float32)
        np.matmul(matrix.astype(np.float32), self.inputs, out=inputs)
        return Split(inputs, self.targets)


@dataclass(frozen=True)
class Problem:
    """One map to be found, with all of its rows.

    Parameters
    ----------
    name : a key of `PROBLEMS`, with what was changed of it
    digest : of the data set that it was cut from
    train, validation, held_out : standardised as training does
    sample : (n, in) the training rows that the standardisation was measured on
    basis : (in, in) or None; inputs are `basis @ x` of the standardised x
    """

    name: str
    digest: str
    train: Split
    validation: Split
    held_out: Split
    sample: np.ndarray
    basis: np.ndarray | None = None
    _kept: dict[str, Problem] = field(default_factory=dict, repr=False, compare=False)

    @property
    def inputs(self) -> int:
        """Numbers that a row feeds to the map."""
        return self.train.inputs.shape[1]

    @property
    def outputs(self) -> int:
        """Numbers that the map answers to a row."""
        return len(self.train.targets)

    def whitened(self) -> Problem:
        """The same problem with training inputs rotated to their principal axes and scaled to variance 1.

        Validation and held-out rows stay as they are: weights are brought back by `standardised` to be measured.
        """
        if "whitened" not in self._kept:
            basis = whitening(self.sample)
            train = self.train.mapped(basis)
            sample = (self.sample @ basis.T).astype(np.float32)
            self._kept["whitened"] = replace(self, train=train, sample=sample, basis=basis, _kept={})
        return self._kept["whitened"]

    def standardised(self, weights: np.ndarray) -> np.ndarray:
        """Weights (..., out, in) on this problem's inputs as weights on standardised inputs."""
        return weights if self.basis is None else (weights @ self.basis).astype(np.float32)

    def part(self, side: str, share: int) -> Problem:
        """A smaller problem, `name/side:share`: one of so many parts of the inputs, outputs or training rows.

        Inputs and outputs are a seeded choice; rows are the first ones, which are as shuffled as any.

        Raises
        ------
        ConfigError  if there is no such side
        """
        if side not in SIDES:
            raise ConfigError(f"a part of a problem has fewer {', '.join(SIDES)}; got {side!r}.")
        draw = np.random.default_rng(0)
        columns, targets = (
            np.sort(draw.permutation(size)[: max(1, size // (share if side == name else 1))])
            for name, size in (("inputs", self.inputs), ("outputs", self.outputs))
        )
        kept = max(1, len(self.train.inputs) // share) if side == "rows" else len(self.train.inputs)

        def cut(split: Split, chunks: int) -> Split:
            inputs = np.ascontiguousarray(split.inputs[:chunks, columns])
            return Split(inputs, np.ascontiguousarray(split.targets[targets, : chunks * CHUNK]))

        return replace(
            self,
            name=f"{self.name}/{side}:{share}",
            train=cut(self.train, kept),
            validation=cut(self.validation, len(self.validation.inputs)),
            held_out=cut(self.held_out, len(self.held_out.inputs)),
            sample=np.ascontiguousarray(self.sample[:, columns]),
            _kept={},
        )


def whitening(sample: np.ndarray) -> np.ndarray:
    """Matrix (in, in) that whitens standardised inputs, by the principal axes of `sample` (n, in)."""
    covariance = np.cov(sample.T, bias=True, dtype=np.float64).reshape(sample.shape[1], -1)
    variance, axes = np.linalg.eigh(covariance)
    variance = np.maximum(variance, FLOOR * variance[-1])
    return np.ascontiguousarray((axes / np.sqrt(variance)).T, dtype=np.float32)


def load_problem(name: str, h5: Path) -> Problem:
    """Cut the rows of a problem from its data set; the order of the training rows is a seeded shuffle of all.

    Raises
    ------
    ConfigError  if there is no such problem
    OlacoreError  one of its kinds, if the file is damaged or of another kind
    """
    if name not in PROBLEMS:
        raise ConfigError(f"there is no problem {name!r}; there are {', '.join(PROBLEMS)}.")
    config = TrainConfig(h5=(h5,), **PROBLEMS[name].settings)
    with open_dataset(config.h5) as dataset:
        view = view_for(config, dataset)
        view.check(dataset)
        items = usable_items(dataset, view, skip_nonfinite=False)
        with view.stream(dataset, items["train"], SAMPLE_ROWS, SAMPLE_STREAM) as stream:
            raw = next(stream)
        plain = rows_of(view.gather(raw, Scaling.identity(view.inputs, view.outputs)))
        scaling = Scaling.fit(*plain, view.bound)
        sample, _ = rows_of(view.gather(raw, scaling))
        train, validation, held_out = (
            cut_split(dataset, view, scaling, items[split]) for split in ("train", "validation", "held-out")
        )
        return Problem(name, dataset.digest(), train, validation, held_out, sample)


def cut_split(dataset: Dataset, view: View, scaling: Scaling, items: np.ndarray) -> Split:
    """All rows of a part of the data, shuffled."""
    arrays = dataset.read(view.fields, items)
    sites = view.sites(dataset)
    order = np.random.default_rng(0).permutation(len(items) * sites)
    inputs = empty_packed(len(order), view.inputs)
    targets = np.empty((view.outputs, len(order)), np.float32)
    for first in range(0, len(order), PIECE):
        item, site = (part.astype(np.int32) for part in np.divmod(order[first : first + PIECE], sites))
        block = view.gather(RawBlock(arrays, items, item, site), scaling)
        inputs[first // CHUNK : first // CHUNK + len(block.inputs)] = block.inputs
        targets[:, first : first + block.rows] = block.targets
    return Split(inputs, targets)
