"""The view of a refiner: what a decoder drew around a block of pixels, to what the picture has there instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.kernels.gather import gather_drawn, gather_patch_targets, gather_patches
from olacore.kernels.refine import refine_blocks
from olacore.kernels.scatter import scatter_patches
from olacore.spaces import MOST_CHANNELS, MOST_FACTOR
from olacore.views.base import View, add_view
from olacore.views.latents import half_bits, space_of
from olacore.views.patch import MOST_BORDER, MOST_WINDOW, flat_maps
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset

MOST_CONTEXT = MOST_WINDOW // 2


@add_view
@dataclass(frozen=True)
class Refiner(View):
    """From a block of a decoded picture and a border around it, reflected at the edges, to the block's error.

    Targets are the true pixels minus the decoded ones, in the order (row, column, colour); the answer is added to the
    decoded block. A block is a pixel by default, so that neighbours are treated alike wherever a decoder's patches end.
    A block of as many pixels as a latent site may also see latents: behind the pixels come a window of sites around its
    own, in the order (channel, row, column), edges repeated, as a decoder of patches sees them.

    Parameters
    ----------
    factor : pixels of a block along a side
    border : pixels around it
    context : latent sites around the block's own that are read beside the pixels, 1 for 3 x 3; None for no latents
    channels : of these latents; None without them

    Raises
    ------
    ConfigError  if a number is out of range, or one of context and channels is given without the other
    """

    kind: ClassVar[str] = "refiner"
    name: ClassVar[str] = "pixel"
    input_fields: ClassVar[tuple[str, ...]] = ("recon",)
    target_fields: ClassVar[tuple[str, ...]] = ("frames",)
    options: ClassVar[tuple[str, ...]] = ("patch", "border", "context")

    factor: int = 1
    border: int = 2
    context: int | None = None
    channels: int | None = None

    def __post_init__(self) -> None:
        if not (1 <= self.factor <= MOST_FACTOR and 0 <= self.border <= MOST_BORDER):
            raise ConfigError(
                f"factor must be 1 to {MOST_FACTOR} and border 0 to {MOST_BORDER} pixels; "
                f"got {self.factor} and {self.border}."
            )
        if (self.context is None) != (self.channels is None):
            raise ConfigError(
                f"a refiner reads latents of some channels around a site, or none; got context {self.context} and "
                f"channels {self.channels}."
            )
        if self.context is not None and not 0 <= self.context <= MOST_CONTEXT:
            raise ConfigError(f"context must be 0 to {MOST_CONTEXT} sites; got {self.context}.")
        if self.channels is not None and not 1 <= self.channels <= MOST_CHANNELS:
            raise ConfigError(f"channels must be 1 to {MOST_CHANNELS}; got {self.channels}.")

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's pictures and their decodings, and of their latents where a context is asked for."""
        asked = {"factor": "patch", "border": "border", "context": "context"}
        given = {name: settings[setting] for name, setting in asked.items() if setting in settings}
        if "context" in given:
            space = space_of(dataset, cls)
            given = {"factor": space.factor, **given, "channels": space.channels}
        return cls(**given)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.name if self.factor == 1 else 'block'} {self.kind}"

    @property
    def fields(self) -> tuple[str, ...]:
        """Decodings, latents where some are read, and pictures."""
        return (*self.input_fields, *(() if self.context is None else ("latents",)), *self.target_fields)

    def to_dict(self) -> dict[str, Any]:
        """Return the view as plain values; one that reads no latents does not name them."""
        return {name: value for name, value in super().to_dict().items() if value is not None}

    @property
    def window(self) -> int:
        """Latent sites along a side that are read; 0 for none."""
        return 0 if self.context is None else 2 * self.context + 1

    @property
    def pixels_seen(self) -> int:
        """Numbers of pixels among the inputs, which come before those of latents."""
        return 3 * (self.factor + 2 * self.border) ** 2

    @property
    def inputs(self) -> int:
        """Colours of the block and its border, and numbers of the window."""
        return self.pixels_seen + (self.channels or 0) * self.window**2

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
        if dataset.space is not None and dataset.space.factor % self.factor:
            raise ShapeError(
                f"a refiner of blocks of {self.factor} pixels takes no pictures of {dataset.space.factor} pixels a "
                "latent site."
            )
        if self.context is not None:
            space = space_of(dataset, type(self))
            if (space.factor, space.channels) != (self.factor, self.channels):
                raise ShapeError(
                    f"a refiner that reads {self.channels} channels beside blocks of {self.factor} pixels takes no "
                    f"latents of {space.channels} channels and {space.factor} pixels a site."
                )

    def sites(self, dataset: Dataset) -> int:
        """Blocks of a picture."""
        height, width, _ = dataset.layout_of("frames")[0]
        return (height // self.factor) * (width // self.factor)

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut what was decoded around blocks, and the windows of latents."""
        mean, scale = scaling.input_mean, scaling.input_scale
        around = raw.item, raw.site, self.factor, self.border
        if self.context is None:
            gather_patches(raw.arrays["recon"], *around, mean, scale, out)
        else:
            bits = half_bits(raw.arrays["latents"])
            gather_drawn(raw.arrays["recon"], bits, *around, self.window, mean, scale, out)

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

    def answer_at_once(
        self, maps: Sequence[Any], scaling: Scaling, arrays: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """Pictures (m, H, W, 3) uint8."""
        frames = np.require(arrays["recon"], np.uint8, ("C", "W"))
        latents = np.empty((len(frames), 0, 1, 1), np.float16) if self.context is None else arrays["latents"]
        sees = self.factor, self.border, self.window, scaling.input_mean, scaling.input_scale
        out, answered = np.empty_like(frames), (scaling.target_mean, scaling.target_scale)
        refine_blocks(frames, half_bits(latents), *sees, *flat_maps(maps), *answered, out)
        return out

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
