"""What views of pictures and latents share: channels, pixels a site, and which data they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.spaces import MOST_CHANNELS, MOST_FACTOR
from olacore.views.base import View
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset
    from olacore.spaces import LatentSpace


@dataclass(frozen=True)
class LatentView(View):
    """A view of pictures and their latents.

    Parameters
    ----------
    channels : of the latent
    factor : pixels along a side that a latent site stands for
    """

    channels: int
    factor: int = 8

    def __post_init__(self) -> None:
        if not (1 <= self.channels <= MOST_CHANNELS and 1 <= self.factor <= MOST_FACTOR):
            raise ConfigError(
                f"channels and factor must be 1 or more, and {MOST_CHANNELS} and {MOST_FACTOR} at most; "
                f"got {self.channels} and {self.factor}."
            )

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless the data hold frames and latents of as many channels and sites."""
        if dataset.kind == "pairs" or dataset.latent_shape is None:
            raise ShapeError(
                f"the {self.name} view of the {self.kind} maps {self.inputs} inputs to {self.outputs} outputs "
                "cut from frames and latents, "
                f"and the data hold plain pairs of {dataset.inputs} inputs and {dataset.outputs} targets."
            )
        space = space_of(dataset, type(self))
        if space.channels != self.channels:
            raise ShapeError(
                f"the module works on latents of {self.channels} channels, and the data's have {space.channels}."
            )
        if space.factor != self.factor:
            raise ShapeError(
                f"the module has {self.factor} pixels along a side for each latent site, and the data {space.factor}."
            )


def space_of(dataset: Dataset, view: type[View]) -> LatentSpace:
    """Return the latent space of data that hold frames and latents.

    Raises
    ------
    ShapeError  if they hold plain pairs
    """
    if dataset.space is None:
        raise ShapeError(
            f"the {view.name} view of the {view.kind} is cut from frames and latents, and the data hold plain pairs; "
            "plain pairs need no kind of module and no view."
        )
    return dataset.space


def write_sites(outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
    """Write answers for sites, (C, n) float32, into latents (m, C, h, w)."""
    flat = out.reshape(*out.shape[:2], -1)
    flat[raw.item, :, raw.site] = scaling.restore_targets(outputs).T


def half_bits(latents: np.ndarray) -> np.ndarray:
    """Return latents as the bits of float16 numbers, the form that kernels read them in."""
    return np.ascontiguousarray(latents, np.float16).view(np.uint16)
