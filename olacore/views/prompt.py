"""The view from text alone to a latent: what a caption leads one to expect, before there is any noisy latent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.views.base import add_view, pack_standardised
from olacore.views.denoising import WholeLatent, level_for, truth_for
from olacore.views.latents import space_of
from olacore.views.scaling import Scaling
from olacore.views.words import embedding_width

if TYPE_CHECKING:
    from olacore.data import Dataset


@add_view
@dataclass(frozen=True)
class Prompt(WholeLatent):
    """From an embedding to the whole latent, as a denoiser does where the noise hides everything.

    Of a teacher's answers, those of one level are learned.
    """

    name: ClassVar[str] = "text"
    input_fields: ClassVar[tuple[str, ...]] = ("embeddings",)
    noisy: ClassVar[bool] = False

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents and embeddings."""
        space, width = space_of(dataset, cls), embedding_width(dataset, cls)
        assert dataset.latent_shape is not None
        level = level_for(dataset, cls, ("answers",), settings.get("level"))
        truth = truth_for(dataset, ("answers",), settings.get("truth"))
        return cls(space.channels, space.factor, level, *dataset.latent_shape[1:], width, truth=truth)

    @property
    def inputs(self) -> int:
        """Numbers of an embedding."""
        return self.embedding

    @property
    def given(self) -> dict[str, tuple[int | None, ...]]:
        """Embeddings."""
        return {"embeddings": (self.embedding,)}

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Take embeddings."""
        pack_standardised(raw.arrays["embeddings"][raw.item], scaling, out)
