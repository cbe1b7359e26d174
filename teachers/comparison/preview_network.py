"""The preview network of a popular web interface: latents of SD's models to pictures of a quarter size, under torch.

Its file is another project's and is measured, never shipped.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from olacore.errors import ConfigError, FileFormatError
from olacore.media.frames import checked_latents, to_pixels
from olacore.quality.reference.simple import enlarge

if TYPE_CHECKING:
    import torch

CHANNELS = (4, 8, 16, 32, 64, 32, 16, 8, 3)
KERNELS = (7, 5, 3, 3, 3, 3, 3, 3)
# Zeros around the enlarged latent, as many as the convolutions take away.
MARGIN = sum(KERNELS) // 2 - len(KERNELS) // 2
SLOPE = 0.1


class PreviewNetwork:
    """Eight convolutions on a latent of twice its size, LeakyReLU behind each.

    Parameters
    ----------
    path : of its weights

    Raises
    ------
    ConfigError  if torch is not installed
    FileFormatError  if the file is missing, damaged or of another network
    """

    factor = 4

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise FileFormatError(f"there is no preview network {path}.")
        try:
            from teachers.autoencoders.weights import read_tensors
        except ImportError as error:
            raise ConfigError(f"a preview network needs {error.name}; pip install 'olacore[teachers]'.") from error
        self._weights = _checked(path, read_tensors(path))
        self._bytes = path.stat().st_size

    def small(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (n, 4, h, w) in the scaled space into pictures (n, 2h, 2w, 3) uint8."""
        import torch
        from torch.nn import functional

        with torch.inference_mode():
            x = torch.from_numpy(checked_latents(latents, CHANNELS[0], 3)).float()
            x = functional.pad(functional.interpolate(x, scale_factor=2), (MARGIN,) * 4)
            for number in range(1, len(CHANNELS)):
                weight, bias = self._weights[f"conv{number}.weight"], self._weights[f"conv{number}.bias"]
                x = functional.leaky_relu(functional.conv2d(x, weight, bias), SLOPE)
        return to_pixels(x.permute(0, 2, 3, 1).numpy())

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (n, 4, h, w) into pictures (n, 8h, 8w, 3) uint8, enlarged with a bicubic filter."""
        return enlarge(self.small(latents), self.factor)

    def nbytes(self) -> int:
        """Size of its file."""
        return self._bytes


def _checked(path: Path, weights: "Mapping[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    wanted: dict[str, tuple[int, ...]] = {}
    for number, side in enumerate(KERNELS, 1):
        wanted[f"conv{number}.weight"] = (CHANNELS[number], CHANNELS[number - 1], side, side)
        wanted[f"conv{number}.bias"] = (CHANNELS[number],)
    found = {name: tuple(weight.shape) for name, weight in weights.items()}
    if found != wanted:
        wrong = sorted(name for name in found.keys() | wanted if found.get(name) != wanted.get(name))
        raise FileFormatError(
            f"{path} is no preview network of eight convolutions from {CHANNELS[0]} channels: {', '.join(wrong[:3])} "
            "is missing, unexpected or misshapen."
        )
    broken = [name for name, weight in weights.items() if not weight.isfinite().all()]
    if broken:
        raise FileFormatError(f"{path} has NaN or inf in {', '.join(broken[:3])}; copy it again.")
    return {name: weight.float() for name, weight in weights.items()}
