"""An organic encoder in a teacher's place: its latents are what a decoder is to be trained on; no torch is needed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.foreign.hub import is_hub
from olacore.foreign.tensors import MOST_HEADER, parse_header
from olacore.modules.find import IN_RUN, MARKS, find
from olacore.modules.identity import latents_of
from olacore.modules.module import load
from olacore.pretrained import is_name, names, stands_for
from teachers.options import LoadOptions
from teachers.protocol import Encoder

BATCH = 8


class OrganicEncoder(Encoder):
    """Makes latents with a module of kind `encoder`; it has no decoding of its own.

    Its latents are close to those of the teacher that it was cloned from, but they are its own: their latent space is
    what the module `makes`, under its file's name.

    Parameters
    ----------
    path : of the module's file, of its run folder, or the name of a pretrained one
    batch : pictures to hand over at once

    Attributes
    ----------
    space, batch, settings : see `Encoder`

    Raises
    ------
    FileFormatError  if it is no module
    ConfigError  if it is no encoder of whole latents
    """

    def __init__(self, path: Path | str, batch: int | None = None) -> None:
        path = find(path)
        self._module = load(path)
        self.space = replace(latents_of(self._module), maker=path.name)
        self.batch = batch or BATCH
        imitated = self._module.imitates
        origin = f"cloned from {imitated.maker}" if imitated else "of a pair"
        self.settings: dict[str, Any] = {"latents_from": f"{path.name}, {origin}"}

    def encode(self, frames: np.ndarray) -> np.ndarray:
        """Turn frames (n, H, W, 3) uint8 into latents (n, C, H/f, W/f) float32, f the factor of its space."""
        return self._module.encode(frames)


def is_organic(reference: str) -> bool:
    """Whether a reference is a module's file, its run folder, one of the hub, or the name of a pretrained module."""
    if is_hub(reference):
        return True
    path = Path(reference)
    if path.is_dir():
        held = any((path / part / IN_RUN).is_file() for part in ("", "encoder", "decoder"))
        return held or stands_for(reference, names(), MARKS)
    return _is_module(path) if path.is_file() else is_name(reference) and reference in names()


def _is_module(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(8 + MOST_HEADER)
        return "olacore" in parse_header(start, path, "module", "`ola train`")["__metadata__"]
    except OSError:  # also of a file that is none
        return False


def load_organic(reference: str, options: LoadOptions) -> OrganicEncoder:
    """Load an organic encoder."""
    return OrganicEncoder(reference, options.batch)
