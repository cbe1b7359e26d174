"""What every teacher is: something frozen that reads named fields and writes others; and what autoencoders add."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np

from olacore.errors import ConfigError
from olacore.spaces import LatentSpace

Arrays = Mapping[str, np.ndarray]


def check_side(side: int, factor: int, maker: str) -> None:
    """Raise `ConfigError` where pictures of so many pixels a side are no whole number of latents.

    Parameters
    ----------
    factor : pixels along a side that a latent stands for
    maker : of the latents
    """
    if side % factor:
        what = f"{factor}, the pixels that a latent of {maker} stands for"
        raise ConfigError(f"the size must be a multiple of {what}; got {side}.")


@runtime_checkable
class Teacher(Protocol):
    """A frozen network, or anything else with answers worth keeping.

    The names are those of a form of data (`olacore.data.forms`), which says shapes and types. What is read comes as
    files keep it: from the pictures themselves, or from the teachers that were asked before.
    """

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the fields that it is asked about."""

    @property
    def writes(self) -> tuple[str, ...]:
        """Names of the fields that it answers."""

    @property
    def space(self) -> LatentSpace | None:
        """The latent space of the latents that it reads or writes; None if it knows none."""

    @property
    def batch(self) -> int:
        """Items to hand over at once."""

    @property
    def settings(self) -> dict[str, Any]:
        """What else decides about the answers, kept in the data set; a resumed file must have equal ones."""

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """Turn the fields that it reads, (n, ...) each, into those that it writes, (n, ...) or (k n, ...) each.

        An answer must not depend on the company that an item comes in, or else `batch` is one of `settings`.
        """


class Encoder(ABC):
    """A teacher of latents: it turns pictures into latents in its scaled space.

    Attributes
    ----------
    space : the latent space of everything that it encodes
    batch, settings : see `Teacher`
    """

    reads = ("frames",)
    writes = ("latents",)
    space: LatentSpace
    batch: int
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        """The maker of its latents."""
        return self.space.maker

    @abstractmethod
    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn frames (n, H, W, 3) uint8 into latents (n, C, H/f, W/f) float32, f the factor of its space."""

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """Encode the frames."""
        return {"latents": self.encode(arrays["frames"])}


class Autoencoder(Encoder):
    """A teacher that turns its latents back into pictures as well."""

    @abstractmethod
    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (n, C, h, w) into frames (n, f h, f w, 3) uint8, f the factor of its space."""


class Decoder:
    """The decoding half of an autoencoder as a teacher of its own, which reads the latents that are stored.

    Parameters
    ----------
    whole : the autoencoder

    Attributes
    ----------
    name, space, batch, settings : see `Teacher`
    """

    reads = ("latents",)
    writes = ("recon",)

    def __init__(self, whole: Autoencoder) -> None:
        self.whole = whole
        self.name, self.space, self.batch = whole.name, whole.space, whole.batch
        self.settings: dict[str, Any] = {}

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        """Decode the latents."""
        return {"recon": self.whole.decode(arrays["latents"])}
