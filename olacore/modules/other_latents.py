"""Latents as other programs write them: tensors without a word on whose they are, or on how they are scaled.

ComfyUI's node SaveLatent writes `.latent` files, which are safetensors; what is written with torch or safetensors from
other programs, such as diffusers, is a tensor alone or in a dictionary.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from olacore.errors import FileFormatError
from olacore.foreign.schema import shown
from olacore.foreign.tensors import FLOATS, read_safetensors
from olacore.foreign.torch_file import read_torch

COMFY, TORCH, TENSORS = ".latent", (".pt", ".pth"), ".safetensors"
SUFFIXES = (COMFY, *TORCH, TENSORS)
TENSOR, RAW = "latent_tensor", "latent_format_version_0"
# What a latent is called that is not alone in its file.
NAMES = ("latents", "latent", "samples", TENSOR)
TYPES = (*FLOATS, "BF16")


def read_other(path: Path) -> tuple[np.ndarray, bool | None]:
    """Read latents from a `.latent`, `.pt`, `.pth` or `.safetensors` file.

    Returns
    -------
    (C, h, w) or (n, C, h, w), float16, float32 or float64; and whether they are raw, that is, as the autoencoder has
    them, or scaled: None where the file does not say

    Raises
    ------
    FileFormatError  if it is missing, no such file, damaged, or holds no latents, or several
    """
    if path.suffix == COMFY:
        return read_comfy(path)
    if path.suffix in TORCH:
        file = read_torch(path, "latent")
        tensors = file.tensors
        found = file.read(tensors[_chosen(tensors, path)])
    else:
        _, arrays = read_safetensors(path, "latent", "another program", TYPES)
        found = arrays[_chosen(arrays, path)]
    return _checked(found, path), None


def read_comfy(path: Path) -> tuple[np.ndarray, bool]:
    """Read latents from a `.latent` file, float32, and whether they are raw.

    Files without an empty tensor `latent_format_version_0` are older, and hold what SD 1.5's denoiser sees.
    """
    _, tensors = read_safetensors(path, "latent", "ComfyUI", TYPES)
    if TENSOR not in tensors:
        raise FileFormatError(f"{path} is no .latent file of ComfyUI: it holds no tensor {TENSOR!r}.")
    with np.errstate(over="ignore"):
        latents = np.asarray(_checked(tensors[TENSOR], path), np.float32)
    return latents, RAW in tensors


def _chosen(names: Collection[str], path: Path) -> str:
    """The name of the latents among those of all tensors of a file."""
    known = [name for name in NAMES if name in names]
    if len(names) == 1 or known:
        return known[0] if known else next(iter(names))
    if not names:
        raise FileFormatError(f"{path} holds no tensor; a latent is one, alone or in a dictionary.")
    raise FileFormatError(f"{path} holds {len(names)} tensors ({shown(', '.join(names))}); name the latent 'latents'.")


def _checked(latents: np.ndarray, path: Path) -> np.ndarray:
    if latents.ndim == 5:
        raise FileFormatError(f"{path} holds {latents.shape}, latents of a video; give one frame, (C, h, w).")
    if latents.ndim not in (3, 4) or not latents.size:
        raise FileFormatError(f"{path} holds an array of shape {latents.shape}; a latent is (C, h, w) or (n, C, h, w).")
    return latents
