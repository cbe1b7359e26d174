"""What is measured: anything that encodes pictures or decodes latents, a module, a teacher or a closed form."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from olacore.spaces import LatentSpace


class EncodesPictures(Protocol):
    """What turns pictures (m, H, W, 3) uint8, sides multiples of 8, into latents (m, C, H/8, W/8)."""

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        """Turn pictures into latents."""


class DecodesLatents(Protocol):
    """What turns latents (m, C, h, w) into pictures (m, 8h, 8w, 3) uint8."""

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents into pictures."""


class TeacherLike(EncodesPictures, DecodesLatents, Protocol):
    """A large autoencoder: whole pictures whose sides are multiples of 8, to latents in its scaled space and back."""

    @property
    def space(self) -> LatentSpace:
        """The latent space of everything that it encodes and decodes."""


@runtime_checkable
class PreviewLike(DecodesLatents, Protocol):
    """A decoder whose own pictures are smaller than the original by `factor`."""

    @property
    def factor(self) -> int:
        """Pixels of the original, along a side, for one of its own."""

    def small(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents into its own pictures."""

    def nbytes(self) -> int:
        """Its size as stored."""
