"""Data whose latents an organic encoder makes while they are read, in place of those in the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from olacore.data import Dataset
from olacore.errors import ConfigError
from olacore.modules.identity import latents_of
from olacore.modules.module import load


class EncodedDataset(Dataset):
    """A data set seen with the latents of an encoder; everything else is that of the file.

    Parameters
    ----------
    dataset : frames and latents; it stays the caller's to close
    encoder : file, run folder or name of the encoder

    Raises
    ------
    ConfigError  if the module is no encoder of the patch view, or the data hold no frames
    FileFormatError  if there is no such module

    Notes
    -----
    The digest of the data is over the latent space too, and so over the encoder.
    """

    def __init__(self, dataset: Dataset, encoder: Path | str) -> None:
        if dataset.kind != "latents" or dataset.latent_shape is None:
            raise ConfigError("latents come from an encoder only where the data hold frames; these are plain pairs.")
        vars(self).update(vars(dataset))
        self._encoder = load(encoder)
        self.space = latents_of(self._encoder)
        self.latent_shape = (self.space.channels, *dataset.latent_shape[1:])

    def read(self, fields: Sequence[str], indices: np.ndarray) -> dict[str, np.ndarray]:
        """Read rows as `Dataset.read`; latents are made from the frames, as float16."""
        found = super().read([*{"frames" if name == "latents" else name for name in fields}], indices)
        if "latents" in fields:
            found["latents"] = self._encoder.encode(found["frames"]).astype(np.float16)
        return {name: found[name] for name in fields}
