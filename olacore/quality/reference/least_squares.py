"""Least squares as encoders and decoders of whole pictures, and what closed forms are fitted to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from olacore.blocks import Block, RawBlock, every_row, rows_of
from olacore.data import Dataset, iterate_once
from olacore.errors import DataError
from olacore.modules.kinds.base import answer_all
from olacore.quality.baselines import MOST_ROWS, Baselines, fit_baselines
from olacore.quality.protocols import EncodesPictures
from olacore.views import View
from olacore.views.scaling import Scaling

ITEMS_AT_ONCE = 8
SAMPLE_ITEMS = 16


@dataclass(frozen=True)
class TrainingPictures:
    """Frames and latents that closed forms are fitted to: training items, evenly spread where they are too many.

    Raises
    ------
    DataError  if the data hold no training or no validation pictures
    """

    dataset: Dataset
    train: np.ndarray
    validation: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.train) or not len(self.validation):
            raise DataError("closed forms are fitted to training and validation pictures; the data lack one of them.")

    @property
    def channels(self) -> int:
        """Latent channels of the data."""
        return self._shape[0]

    @property
    def factor(self) -> int:
        """Pixels along a side that a latent site stands for."""
        assert self.dataset.space is not None
        return self.dataset.space.factor

    @property
    def _shape(self) -> tuple[int, int, int]:
        assert self.dataset.latent_shape is not None
        return self.dataset.latent_shape

    def batches(self, latents_of: EncodesPictures | None = None) -> Iterator[dict[str, np.ndarray]]:
        """Give frames and latents of the training items, some at a time; latents of an encoder if one is given."""
        _, height, width = self._shape
        most = max(1, MOST_ROWS // (height * width))
        yield from self._read(spread(self.train, most), latents_of)

    def sample(self, items: np.ndarray, latents_of: EncodesPictures | None = None) -> dict[str, np.ndarray]:
        """Give some of these items, evenly spread, in the same form."""
        parts = [*self._read(spread(items, SAMPLE_ITEMS), latents_of)]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _read(self, items: np.ndarray, latents_of: EncodesPictures | None) -> Iterator[dict[str, np.ndarray]]:
        fields = ("frames",) if latents_of else ("frames", "latents")
        for _, arrays in iterate_once(self.dataset, items, fields, ITEMS_AT_ONCE):
            if latents_of:
                arrays["latents"] = latents_of.encode(arrays["frames"]).astype(np.float16)
            yield arrays


def spread(items: np.ndarray, most: int) -> np.ndarray:
    """Choose at most so many items, evenly spread."""
    return items[np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).round().astype(np.int64))]


@dataclass(frozen=True)
class LeastSquares:
    """The best affine map of a view, as an encoder or a decoder; see `fit_baselines`."""

    view: View
    scaling: Scaling
    fitted: Baselines

    @classmethod
    def fit(cls, data: TrainingPictures, view: View, latents_of: EncodesPictures | None = None) -> LeastSquares:
        """Fit an encoder to the latents of the data, or a decoder from them; to `latents_of`'s if it is given."""

        def rows(arrays: dict[str, np.ndarray], scaling: Scaling) -> Block:
            sites = int(np.prod(arrays["latents"].shape[2:]))
            return view.gather(every_row(arrays, sites), scaling)

        plain = rows(data.sample(data.train, latents_of), Scaling.identity(view.inputs, view.outputs))
        scaling = Scaling.fit(*rows_of(plain), view.bound)
        validation = rows(data.sample(data.validation, latents_of), scaling)
        blocks = (rows(arrays, scaling) for arrays in data.batches(latents_of))
        return cls(view, scaling, fit_baselines(blocks, validation, scaling))

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Turn pictures (m, H, W, 3) uint8 into latents (m, C, H/8, W/8) float32."""
        return answer_all(self.view, self.scaling, self._forward, {"frames": pictures})

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (m, C, h, w) into pictures (m, 8h, 8w, 3) uint8."""
        return answer_all(self.view, self.scaling, self._forward, {"latents": latents})

    def nbytes(self) -> int:
        """Bytes of its numbers as float32."""
        sizes = (self.fitted.weights.size, self.fitted.biases.size, 2 * self.view.inputs, 2 * self.view.outputs)
        return 4 * sum(sizes)

    def _forward(self, raw: RawBlock) -> np.ndarray:
        inputs = self.view.gather_inputs(raw, self.scaling)
        answers = self.fitted.predict(Block(inputs, np.empty((self.view.outputs, len(raw.item)), np.float32)))
        return np.ascontiguousarray(answers, np.float32)
