"""Data whose latents an encoder makes while they are read, in place of those in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from olacore.data.dataset import Dataset
from olacore.data.forms import FLOAT16
from olacore.data.header import sizes_of_latents
from olacore.errors import ConfigError
from olacore.spaces import LatentSpace


class MakesLatents(Protocol):
    """Turns pictures into latents of a space of its own."""

    @property
    def makes(self) -> LatentSpace | None:
        """The latent space of everything that it encodes; None if it makes no latents of whole pictures."""

    def encode(self, frames: np.ndarray, /) -> np.ndarray:
        """Turn frames (n, H, W, 3) uint8 into latents (n, C, h, w)."""


class EncodedDataset(Dataset):
    """A data set seen with the latents of an encoder; everything else is that of the file.

    Parameters
    ----------
    dataset : frames, and whatever else; closing this closes it
    encoder : makes the latents

    Raises
    ------
    ConfigError  if the data hold no frames, or the encoder makes no latents

    Notes
    -----
    The digest of the data is over the latent space too, and so over the encoder.
    """

    def __init__(self, dataset: Dataset, encoder: MakesLatents) -> None:
        if not dataset.has("frames"):
            what = "plain pairs" if dataset.kind == "pairs" else dataset.kind
            raise ConfigError(f"latents come from an encoder only where the data hold frames; these are {what}.")
        space = encoder.makes
        if space is None:
            raise ConfigError(f"latents come from an encoder of the patch view; this is {encoder}.")
        sizes = {**dataset.contents.sizes, **sizes_of_latents(space, dataset.contents.sizes)}
        layout = {**dataset.contents.layout, "latents": (tuple(sizes[word] for word in "Chw"), FLOAT16)}
        super().__init__(replace(dataset.contents, space=space, sizes=sizes, layout=layout))
        self._dataset, self._encoder = dataset, encoder

    def read(
        self, fields: Sequence[str], indices: np.ndarray, *, checked: bool = True, choice: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Read rows as `Dataset.read`; latents (m, C, h, w) are made from the frames, as float16."""
        stored = [*{"frames" if name == "latents" else name for name in fields}]
        found = self._dataset.read(stored, indices, checked=checked, choice=choice)
        if "latents" in fields:
            found["latents"] = self._encoder.encode(found["frames"]).astype(FLOAT16)
        return {name: found[name] for name in fields}

    def verify(self) -> list[int]:
        """The rows of the file that are damaged; the encoder's latents are not in it."""
        return self._dataset.verify()

    def close(self) -> None:
        """Close the data set."""
        self._dataset.close()
