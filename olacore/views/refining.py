"""The view of a refiner: what a decoder drew around a pixel, to what the picture has there instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.kernels.gather import gather_patch_targets, gather_patches
from olacore.kernels.scatter import scatter_patches
from olacore.spaces import MOST_FACTOR
from olacore.views.base import View, add_view
from olacore.views.patch import MOST_BORDER
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset


@add_view
@dataclass(frozen=True)
class Refiner(View):
    """From a block of a decoded picture and a border around it, reflected at the edges, to the block's error.

    Targets are the true pixels minus the decoded ones, in the order (row, column, colour); the answer is added to the
    decoded block. A block is a pixel by default, so that neighbours are treated alike wherever a decoder's patches end.

    Parameters
    ----------
    factor : pixels of a block along a side
    border : pixels around it

    Raises
    ------
    ConfigError  if a number is out of range
    """

    kind: ClassVar[str] = "refiner"
    name: ClassVar[str] = "pixel"
    input_fields: ClassVar[tuple[str, ...]] = ("recon",)
    target_fields: ClassVar[tuple[str, ...]] = ("frames",)
    options: ClassVar[tuple[str, ...]] = ("border",)

    factor: int = 1
    border: int = 2

    def __post_init__(self) -> None:
        if not (1 <= self.factor <= MOST_FACTOR and 0 <= self.border <= MOST_BORDER):
            raise ConfigError(
                f"factor must be 1 to {MOST_FACTOR} and border 0 to {MOST_BORDER} pixels; "
                f"got {self.factor} and {self.border}."
            )

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's pictures and their decodings."""
        return cls(border=settings.get("border", cls.border))

    @property
    def inputs(self) -> int:
        """Colours of the block and its border."""
        return 3 * (self.factor + 2 * self.border) ** 2

    @property
    def outputs(self) -> int:
        """Colours of the block."""
        return 3 * self.factor**2

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless the data hold pictures of whole blocks and their decodings."""
        if not (dataset.has("frames") and dataset.has("recon")):
            raise ShapeError(
                "a refiner learns from pictures and what a decoder makes of their latents, and the data have no "
                "decodings; name the decoder with --pictures-from."
            )
        height, width, _ = dataset.layout_of("frames")[0]
        if height % self.factor or width % self.factor:
            raise ShapeError(f"a refiner of blocks of {self.factor} pixels takes no pictures of {width} x {height}.")

    def sites(self, dataset: Dataset) -> int:
        """Blocks of a picture."""
        height, width, _ = dataset.layout_of("frames")[0]
        return (height // self.factor) * (width // self.factor)

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut what was decoded around blocks."""
        mean, scale = scaling.input_mean, scaling.input_scale
        gather_patches(raw.arrays["recon"], raw.item, raw.site, self.factor, self.border, mean, scale, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut the errors of blocks."""
        mean, scale = scaling.target_mean, scaling.target_scale
        gather_patch_targets(raw.arrays["frames"], raw.item, raw.site, self.factor, mean, scale, out)
        out -= self._decoded(raw, scale)

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """Blocks of a picture."""
        height, width = arrays["recon"].shape[1:3]
        return (height // self.factor) * (width // self.factor)

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Pictures like the decoded ones."""
        return np.empty_like(arrays["recon"])

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write refined blocks, rounded and clipped."""
        mean, scale = scaling.target_mean, scaling.target_scale
        refined = outputs + self._decoded(raw, scale)
        scatter_patches(refined, raw.item, raw.site, self.factor, mean, scale, out)

    def _decoded(self, raw: RawBlock, scale: np.ndarray) -> np.ndarray:
        """Decoded blocks, (out, n) float32, in the scale of the targets."""
        found = np.empty((self.outputs, len(raw.item)), np.float32)
        none = np.zeros(self.outputs, np.float32)
        gather_patch_targets(raw.arrays["recon"], raw.item, raw.site, self.factor, none, scale, found)
        return found
