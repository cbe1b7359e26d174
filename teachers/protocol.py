"""What every teacher offers."""

from typing import Any, Protocol, runtime_checkable

import numpy as np

from olacore.spaces import LatentSpace


@runtime_checkable
class Encoder(Protocol):
    """Turns pictures into latents in its scaled space."""

    @property
    def space(self) -> LatentSpace:
        """The latent space of everything that it encodes and decodes."""

    @property
    def batch(self) -> int:
        """Pictures to hand over at once."""

    @property
    def settings(self) -> dict[str, Any]:
        """What else decides about the answers, kept in the data set; a resumed file must have equal ones."""

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn frames (n, H, W, 3) uint8 into latents (n, C, H/8, W/8) float32."""


@runtime_checkable
class Teacher(Encoder, Protocol):
    """A large autoencoder: pictures to latents in its scaled space, and back."""

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (n, C, h, w) into frames (n, 8 h, 8 w, 3) uint8."""


@runtime_checkable
class PairMaker(Protocol):
    """Any other frozen network: pictures to plain inputs and targets."""

    @property
    def batch(self) -> int:
        """Pictures to hand over at once."""

    @property
    def settings(self) -> dict[str, Any]:
        """What decides about the answers, kept in the data set; a resumed file must have equal ones."""

    def answer(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn frames (n, H, W, 3) uint8 into inputs (k n, in) and targets (k n, out), k the same for all frames."""
