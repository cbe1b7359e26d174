"""Modules, a teacher without torch, and pictures for the tests of `ola vae-test`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from olacore.errors import FileFormatError
from olacore.quality.vae_test.request import Given
from olacore.spaces import LatentSpace
from olacore.views.patch import PatchDecoder, PatchEncoder
from tests.support.makers import SPACE, affine_latents, make_module, smooth_pictures

ENCODER = PatchEncoder(4, border=0)
DECODER = PatchDecoder(4)


class PlainTeacher:
    """Latents that are affine in each patch, and a decoding that is a little darker than the picture."""

    def __init__(self, space: LatentSpace = SPACE) -> None:
        self.space = space
        self.shapes: list[tuple[int, ...]] = []
        self._frames = np.zeros(0)

    def encode(self, pictures: np.ndarray) -> np.ndarray:
        self.shapes.append(pictures.shape)
        self._frames = pictures
        return affine_latents(pictures, self.space.channels, noise=0).astype(np.float32)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        height, width = (8 * side for side in latents.shape[2:])
        return np.maximum(self._frames[:, :height, :width], 9) - 9


class PlainPreview:
    """A preview of a quarter size that is grey everywhere."""

    factor = 4

    def small(self, latents: np.ndarray) -> np.ndarray:
        return np.full((len(latents), 2 * latents.shape[2], 2 * latents.shape[3], 3), 128, np.uint8)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        return self.small(latents).repeat(4, 1).repeat(4, 2)

    def nbytes(self) -> int:
        return 123


@dataclass(frozen=True)
class PlainPicture:
    """A picture in memory; None where it cannot be read."""

    name: str
    pixels: np.ndarray | None

    def picture(self) -> np.ndarray:
        if self.pixels is None:
            raise FileFormatError(f"{self.name} cannot be read as a picture: broken.")
        return self.pixels


def encoder(name: str = "E", space: LatentSpace = SPACE, seed: int = 0) -> Given:
    return Given(name, make_module(ENCODER, space, seed))


def decoder(name: str = "D", space: LatentSpace = SPACE, seed: int = 1) -> Given:
    return Given(name, make_module(DECODER, space, seed))


def paired_decoder(of: Given, name: str = "P") -> Given:
    return decoder(name, replace(of.latents[0], maker="whatever its file was called"))


def picture(height: int = 24, width: int = 32, name: str = "a.png", seed: int = 0) -> PlainPicture:
    return PlainPicture(name, smooth_pictures(1, height, width, seed)[0])
