"""What every teacher offers, and how one is loaded."""

from pathlib import Path
from typing import Protocol

import numpy as np

from olacore.data import LatentSpace
from olacore.errors import ConfigError


class Teacher(Protocol):
    """A large autoencoder: pictures to latents in its scaled space, and back."""

    @property
    def space(self) -> LatentSpace:
        """The latent space of everything that it encodes and decodes."""

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn frames (n, H, W, 3) uint8 into latents (n, C, H/8, W/8) float32."""

    def decode(self, latents: np.ndarray) -> np.ndarray:
        """Turn latents (n, C, h, w) into frames (n, 8 h, 8 w, 3) uint8."""


def load_teacher(reference: str | Path) -> Teacher:
    """Load a teacher from a local folder in the layout of the public hub, or by its hub id.

    A hub id is looked up in the local cache first and downloaded only if it is not there.

    Parameters
    ----------
    reference : a folder with `config.json` and `diffusion_pytorch_model.safetensors`, or an id `owner/name`

    Raises
    ------
    ConfigError  if torch or diffusers are not installed
    FileFormatError  if there is no such folder or model, or its files are damaged or of another model
    """
    try:
        from teachers.tiny import TinyTeacher
    except ImportError as error:
        name = error.name or "torch"
        raise ConfigError(f"a teacher needs the package {name}; pip install 'olacore[teachers]'.") from error
    return TinyTeacher(reference)
