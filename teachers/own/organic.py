"""An organic encoder in a teacher's place: its latents are what a decoder is to be trained on; no torch is needed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.modules.find import find
from olacore.modules.identity import latents_of
from olacore.modules.module import load

BATCH = 8


class OrganicEncoder:
    """Makes latents with a module of kind `encoder`; it has no decoding of its own.

    Its latents are close to those of the teacher that it was cloned from, but they are its own: their latent space is
    what the module `makes`, under its file's name.

    Parameters
    ----------
    path : of the module's file, of its run folder, or the name of a pretrained one

    Attributes
    ----------
    space, batch, settings

    Raises
    ------
    FileFormatError  if it is no module
    ConfigError  if it is no encoder of whole latents
    """

    def __init__(self, path: Path) -> None:
        path = find(path)
        self._module = load(path)
        self.space = replace(latents_of(self._module), maker=path.name)
        self.batch = BATCH
        imitated = self._module.imitates
        origin = f"cloned from {imitated.maker}" if imitated else "of a pair"
        self.settings: dict[str, Any] = {"latents_from": f"{path.name}, {origin}"}

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn frames (n, H, W, 3) uint8 into latents (n, C, H/8, W/8) float32."""
        return self._module.encode(frames)
