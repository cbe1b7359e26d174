"""A latent as ComfyUI's node SaveLatent writes it: a safetensors file that does not say which model's it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.tensors import read_safetensors

SUFFIX = ".latent"
TENSOR, RAW = "latent_tensor", "latent_format_version_0"
# It is taken for one of this model, whose scaled latents have so many channels and are the raw ones times this.
DECODER, MODEL, CHANNELS, SCALING = "sd15-decoder", "SD 1.5", 4, 0.18215


def read_comfy(path: Path) -> tuple[np.ndarray, str]:
    """Read the latents of SD 1.5 from a `.latent` file.

    Files with an empty tensor `latent_format_version_0` hold raw latents, those without it scaled ones.

    Returns
    -------
    (n, 4, h, w) float32 in the scaled latent space, and a sentence on what they were taken for

    Raises
    ------
    FileFormatError  if it is missing, no such file, or its latents cannot be SD 1.5's
    """
    _, tensors = read_safetensors(path, "latent", "ComfyUI")
    if TENSOR not in tensors:
        raise FileFormatError(f"{path} is no .latent file of ComfyUI: it holds no tensor {TENSOR!r}.")
    with np.errstate(over="ignore"):
        latents = np.asarray(tensors[TENSOR], np.float32)
    if latents.ndim != 4 or latents.shape[1] != CHANNELS or not latents.size:
        raise FileFormatError(
            f"a .latent file is taken for {MODEL}, whose latents are (n, {CHANNELS}, h, w); {path} holds "
            f"{latents.shape}: save it as .npy, scaled as its model's denoiser has it, and name a decoder."
        )
    if RAW in tensors:
        return latents * np.float32(SCALING), f"{path.name} is taken for {MODEL}, raw: multiplied by {SCALING}"
    return latents, f"{path.name} is taken for {MODEL}, scaled: of ComfyUI's old format"
