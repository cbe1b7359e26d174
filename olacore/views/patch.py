"""The patch views: one sample of every latent site and its surroundings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError
from olacore.kernels.codec import SIDE, decode_windows, encode_patches
from olacore.kernels.gather import gather_patch_targets, gather_patches, gather_sites, gather_windows, input_levels
from olacore.kernels.scatter import scatter_patches
from olacore.views.base import add_view
from olacore.views.latents import LatentView, half_bits, space_of, write_sites
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset

MOST_BORDER, MOST_WINDOW = 64, 15


def check_window(name: str, window: int) -> None:
    """Raise `ConfigError` unless so many sites along a side have one in the middle, and are not too many."""
    if not 1 <= window <= MOST_WINDOW or window % 2 == 0:
        raise ConfigError(f"{name} must be an odd number from 1 to {MOST_WINDOW}; got {window}.")


def flat_maps(maps: Sequence[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights and biases of maps one behind the other, and the rows of each, as `kernels/codec.py` reads them."""
    weights = np.concatenate([one.weights.reshape(-1) for one in maps])
    biases = np.concatenate([one.biases for one in maps])
    return weights, biases, np.array([len(one.biases) for one in maps], np.int64)


def words_of(frames: np.ndarray) -> np.ndarray:
    """The bytes of pictures (m, H, W, 3) uint8, W a multiple of 8, as (m, H, 3 W / 8) uint64; a copy where need be."""
    words = np.require(frames, np.uint8, "C").reshape(*frames.shape[:2], -1).view(np.uint64)
    return np.require(words, None, ("A", "W"))


@dataclass(frozen=True)
class PatchView(LatentView):
    """Base of both: a grid of latent sites, `factor` pixels apart."""

    name: ClassVar[str] = "patch"

    def sites(self, dataset: Dataset) -> int:
        """All sites of a latent."""
        assert dataset.latent_shape is not None
        return dataset.latent_shape[1] * dataset.latent_shape[2]


@add_view
@dataclass(frozen=True)
class PatchEncoder(PatchView):
    """From a patch of factor x factor pixels and a border around it, reflected at the edges, to its latent site.

    Parameters
    ----------
    channels : of the latent
    border : pixels around the patch
    factor : pixels of a patch along a side

    Raises
    ------
    ConfigError  if a number is out of range
    """

    kind: ClassVar[str] = "encoder"
    input_fields: ClassVar[tuple[str, ...]] = ("frames",)
    target_fields: ClassVar[tuple[str, ...]] = ("latents",)
    options: ClassVar[tuple[str, ...]] = ("border",)

    border: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.border <= MOST_BORDER:
            raise ConfigError(f"border must be 0 to {MOST_BORDER} pixels; got {self.border}.")

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents."""
        space = space_of(dataset, cls)
        return cls(space.channels, space.factor, settings.get("border", cls.border))

    @property
    def inputs(self) -> int:
        """Colours of the patch and its border."""
        return 3 * (self.factor + 2 * self.border) ** 2

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.channels

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut patches."""
        mean, scale = scaling.input_mean, scaling.input_scale
        gather_patches(raw.arrays["frames"], raw.item, raw.site, self.factor, self.border, mean, scale, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut sites."""
        mean, scale = scaling.target_mean, scaling.target_scale
        gather_sites(half_bits(raw.arrays["latents"]), raw.item, raw.site, mean, scale, out)

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """Patches of a picture."""
        height, width = arrays["frames"].shape[1:3]
        return (height // self.factor) * (width // self.factor)

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Latents (m, C, h, w) float32."""
        count, height, width, _ = arrays["frames"].shape
        return np.empty((count, self.channels, height // self.factor, width // self.factor), np.float32)

    def answer_at_once(
        self, maps: Sequence[Any], scaling: Scaling, arrays: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """Latents (m, C, h, w) float32."""
        if self.factor != SIDE or scaling.basis is not None:
            return None
        out = self.empty(arrays)
        levels = input_levels(scaling.input_mean, scaling.input_scale)
        encode_patches(words_of(arrays["frames"]), self.border, *levels, *flat_maps(maps), out)
        out *= scaling.target_scale[:, None, None]
        out += scaling.target_mean[:, None, None]
        return out

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write sites."""
        write_sites(outputs, raw, scaling, out)


@add_view
@dataclass(frozen=True)
class PatchDecoder(PatchView):
    """From window x window latent sites, repeated at the edges, to the factor x factor pixels of the middle one.

    Parameters
    ----------
    channels : of the latent
    window : sites along a side, odd
    factor : pixels of a site along a side

    Raises
    ------
    ConfigError  if a number is out of range
    """

    kind: ClassVar[str] = "decoder"
    input_fields: ClassVar[tuple[str, ...]] = ("latents",)
    target_fields: ClassVar[tuple[str, ...]] = ("frames",)
    bound: ClassVar[float | None] = 1.0
    pixels: ClassVar[bool] = True
    options: ClassVar[tuple[str, ...]] = ("window",)

    window: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        check_window("window", self.window)

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's latents."""
        space = space_of(dataset, cls)
        return cls(space.channels, space.factor, settings.get("window", cls.window))

    @property
    def inputs(self) -> int:
        """Numbers of the window."""
        return self.channels * self.window**2

    @property
    def outputs(self) -> int:
        """Colours of a patch."""
        return 3 * self.factor**2

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut windows."""
        bits, mean, scale = half_bits(raw.arrays["latents"]), scaling.input_mean, scaling.input_scale
        gather_windows(bits, raw.item, raw.site, self.window, mean, scale, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Cut patches."""
        mean, scale = scaling.target_mean, scaling.target_scale
        gather_patch_targets(raw.arrays["frames"], raw.item, raw.site, self.factor, mean, scale, out)

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """Sites of a latent."""
        height, width = arrays["latents"].shape[2:]
        return height * width

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Pictures (m, H, W, 3) uint8."""
        count, _, height, width = arrays["latents"].shape
        return np.empty((count, self.factor * height, self.factor * width, 3), np.uint8)

    def answer_at_once(
        self, maps: Sequence[Any], scaling: Scaling, arrays: Mapping[str, np.ndarray]
    ) -> np.ndarray | None:
        """Pictures (m, H, W, 3) uint8."""
        if self.factor != SIDE or scaling.basis is not None:
            return None
        out, latents = self.empty(arrays), half_bits(arrays["latents"])
        given, answered = (scaling.input_mean, scaling.input_scale), (scaling.target_mean, scaling.target_scale)
        decode_windows(latents, self.window, *given, *flat_maps(maps), *answered, words_of(out))
        return out

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write patches, rounded and clipped."""
        mean, scale = scaling.target_mean, scaling.target_scale
        scatter_patches(outputs, raw.item, raw.site, self.factor, mean, scale, out)
