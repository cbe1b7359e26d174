"""The codec playground: a picture through a shipped encoder and its decoder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from time import perf_counter
from typing import Any

import numpy as np

from olacore.media.decode import silence
from olacore.modules.module import Module, load
from olacore.pretrained.catalogue import catalogue
from olacore.quality.psnr import psnr

# A picture has a byte a colour, a latent half precision.
COLOURS, HALF = 3, 2


@dataclass(frozen=True)
class Pair:
    """An encoder and a decoder that belong together.

    Parameters
    ----------
    name : what both names begin with
    latents : whose latents they make and read, in words
    """

    name: str
    encoder: str
    decoder: str
    latents: str


@cache
def pairs() -> dict[str, Pair]:
    """The shipped pairs by name."""
    found = [one for one in catalogue() if one.kind == "encoder" and one.partner]
    names = {one.name.removesuffix("-encoder"): one for one in found}
    return {name: Pair(name, one.name, one.partner, one.latents) for name, one in names.items()}


class Codecs:
    """Runs pairs, each of which is loaded when it is first asked for. One thread at a time."""

    def __init__(self) -> None:
        self.pairs = pairs()
        self._load = lru_cache(maxsize=2 * len(self.pairs))(load)

    def through(self, name: str, picture: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        """Encode and decode a picture (H, W, 3) uint8.

        Returns
        -------
        (H, W, 3) uint8, and figures: PSNR in dB, shape and bytes of the latent in half precision, bytes of the
        picture's colours, and seconds of both ways
        """
        pair = self.pairs[name]
        encoder: Module = self._load(pair.encoder)
        decoder: Module = self._load(pair.decoder)
        height, width = picture.shape[:2]
        with silence:  # latents of odd pictures look odd
            decoder.decode(encoder.encode(picture[:8, :8]))  # kernels that are loaded or compiled should not count
            begun = perf_counter()
            latent = encoder.encode(picture)
            half = perf_counter()
            decoded = decoder.decode(latent)[:height, :width]
            ended = perf_counter()
        return decoded, {
            "psnr": psnr(decoded, picture),
            "latent": list(latent.shape),
            "latent_bytes": HALF * latent.size,
            "picture_bytes": COLOURS * height * width,
            "width": width,
            "height": height,
            "encode_seconds": half - begun,
            "decode_seconds": ended - half,
        }
