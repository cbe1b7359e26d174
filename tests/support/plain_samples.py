"""A teacher without a network, photographs for it, and runs of `precompute` with it; none of this loads torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from PIL import Image

from olacore.spaces import LatentSpace
from teachers import Autoencoder, PictureRule, Summary, VideoRule, precompute

RULE = PictureRule(size=16)
EVERY = VideoRule(every=2, least_change=0)


def save_photographs(folder: Path, count: int, height: int = 40, width: int = 56) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"photo{number}.png" for number in range(count)]
    for number, path in enumerate(paths):
        pixels = np.random.default_rng(number).integers(0, 256, (height, width, 3), np.uint8)
        Image.fromarray(pixels).save(path)
    return paths


class MeanTeacher(Autoencoder):
    """A teacher without a network: every site of a latent is its patch's mean colour, and then zero."""

    space = LatentSpace("tests/mean", "ab" * 32, scaling=1.0, shift=0.0, channels=4)
    settings: ClassVar[dict[str, Any]] = {}

    def __init__(self, batch: int = 1) -> None:
        self.batch = batch

    def encode(self, frames: np.ndarray) -> np.ndarray:
        n, height, width, _ = frames.shape
        patches = frames.reshape(n, height // 8, 8, width // 8, 8, 3) / 127.5 - 1
        colours = patches.mean((2, 4)).transpose(0, 3, 1, 2)
        return np.concatenate([colours, 0 * colours[:, :1]], 1).astype(np.float32)

    def decode(self, latents: np.ndarray) -> np.ndarray:
        pixels = np.rint((latents[:, :3].astype(np.float32) + 1) * 127.5).astype(np.uint8)
        return pixels.repeat(8, 2).repeat(8, 3).transpose(0, 2, 3, 1)


def make(
    sources: Sequence[Path], h5: Path, video: VideoRule = EVERY, rule: PictureRule = RULE, **options: Any
) -> Summary:
    """Precompute with decodings, four pictures at once."""
    return precompute(sources, h5, MeanTeacher(4), rule, video, **({"recon": True} | options))
