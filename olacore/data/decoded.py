"""Data whose decodings a decoder makes while they are read, in place of a teacher's in the file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from olacore.data.dataset import Dataset
from olacore.data.forms import UINT8
from olacore.errors import ConfigError
from olacore.spaces import LatentSpace, require_same

# The setting that says whose decodings they are. Data from elsewhere have a `pictures_sha256` of their own pictures.
DECODER = "decoder_sha256"


class Decodes(Protocol):
    """Turns latents into pictures."""

    @property
    def reads(self) -> LatentSpace | None:
        """The latent space that it was trained for; None if it decodes no latents of whole pictures."""

    @property
    def digest(self) -> str:
        """SHA-256 of whatever decides the pictures."""

    def run(self, latents: Any, /) -> np.ndarray:
        """Turn latents (n, C, h, w) into pictures (n, H, W, 3) uint8."""


class DecodedDataset(Dataset):
    """A data set seen with the decodings of a decoder; everything else is that of the file.

    Parameters
    ----------
    dataset : frames and latents, and whatever else; closing this closes it
    decoder : makes the decodings
    name : of the decoder, for messages

    Raises
    ------
    ConfigError  if the data hold no frames or latents, or what should decode them is no decoder
    FingerprintError  if they are latents of another space than the decoder reads
    """

    def __init__(self, dataset: Dataset, decoder: Decodes, name: str) -> None:
        if not (dataset.has("frames") and dataset.has("latents")):
            what = "plain pairs" if dataset.kind == "pairs" else dataset.kind
            raise ConfigError(f"pictures come from a decoder only where data hold frames and latents; this is {what}.")
        if decoder.reads is None:
            raise ConfigError(f"pictures come from a decoder; {name} is {decoder}.")
        require_same(
            f"the decoder {name}", decoder.reads, "the data", dataset.space, then="take the decoder of these latents"
        )
        layout = {**dataset.contents.layout, "recon": (dataset.layout_of("frames")[0], UINT8)}
        settings = {**dataset.settings, DECODER: decoder.digest}
        super().__init__(replace(dataset.contents, layout=layout, settings=settings))
        self._dataset, self._decoder = dataset, decoder

    def read(
        self, fields: Sequence[str], indices: np.ndarray, *, checked: bool = True, choice: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """Read rows as `Dataset.read`; decodings are made from the latents."""
        stored = [*dict.fromkeys("latents" if name == "recon" else name for name in fields)]
        found = self._dataset.read(stored, indices, checked=checked, choice=choice)
        if "recon" in fields:
            found["recon"] = self._decoder.run(found["latents"])
        return {name: found[name] for name in fields}

    def digest(self) -> str:
        """SHA-256 over the data and the decoder."""
        return hashlib.sha256(f"{self._dataset.digest()} {self._decoder.digest}".encode()).hexdigest()

    def verify(self) -> list[int]:
        """The rows of the file that are damaged; the decoder's pictures are not in it."""
        return self._dataset.verify()

    def close(self) -> None:
        """Close the data set."""
        self._dataset.close()
