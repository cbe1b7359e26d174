"""The global views: one sample of every picture, which is seen as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.kernels.scatter import scatter_patches
from olacore.media.frames import THUMBNAIL, spatial_mean, thumbnails
from olacore.views.base import add_view, pack_standardised
from olacore.views.latents import LatentView, space_of
from olacore.views.retina import CELLS, Retina
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset


@dataclass(frozen=True)
class WholeView(LatentView):
    """Base of both."""

    name: ClassVar[str] = "global"

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """A picture is one sample."""
        return 1


@add_view
@dataclass(frozen=True)
class WholeEncoder(WholeView):
    """From what a retina reports of a picture to the mean of its latent over all sites.

    Parameters
    ----------
    retina_seed : of the retina
    """

    kind: ClassVar[str] = "encoder"
    input_fields: ClassVar[tuple[str, ...]] = ("frames",)
    target_fields: ClassVar[tuple[str, ...]] = ("latents",)

    retina_seed: int = 0

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents, with a retina by the seed of the search."""
        space = space_of(dataset, cls)
        return cls(space.channels, space.factor, settings["seed"])

    @property
    def inputs(self) -> int:
        """Cells of the retina."""
        return CELLS

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.channels

    @cached_property
    def retina(self) -> Retina:
        """The projection."""
        return Retina.seeded(self.retina_seed)

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Project pictures."""
        pack_standardised(self.retina.project(raw.arrays["frames"][raw.item]), scaling, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Average latents."""
        rows = spatial_mean(raw.arrays["latents"][raw.item])
        out[...] = ((rows - scaling.target_mean) / scaling.target_scale).T

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Mean latents (m, C) float32."""
        return np.empty((len(arrays["frames"]), self.channels), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write mean latents."""
        out[raw.item] = scaling.restore_targets(outputs).T


@add_view
@dataclass(frozen=True)
class WholeDecoder(WholeView):
    """From the mean of a latent over all sites to a thumbnail of 64 x 64 pixels."""

    kind: ClassVar[str] = "decoder"
    input_fields: ClassVar[tuple[str, ...]] = ("latents",)
    target_fields: ClassVar[tuple[str, ...]] = ("frames",)
    bound: ClassVar[float | None] = 1.0

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents."""
        space = space_of(dataset, cls)
        return cls(space.channels, space.factor)

    @property
    def inputs(self) -> int:
        """Channels."""
        return self.channels

    @property
    def outputs(self) -> int:
        """Colours of the thumbnail."""
        return 3 * THUMBNAIL**2

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Average latents."""
        pack_standardised(spatial_mean(raw.arrays["latents"][raw.item]), scaling, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Make thumbnails."""
        rows = thumbnails(raw.arrays["frames"][raw.item])
        out[...] = ((rows - scaling.target_mean) / scaling.target_scale).T

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Thumbnails (m, 64, 64, 3) uint8."""
        return np.empty((len(arrays["latents"]), THUMBNAIL, THUMBNAIL, 3), np.uint8)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write thumbnails, rounded and clipped."""
        mean, scale = scaling.target_mean, scaling.target_scale
        scatter_patches(outputs, raw.item, raw.site, THUMBNAIL, mean, scale, out)
