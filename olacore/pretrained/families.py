"""The models whose own latents the compatible modules make and read, by the first part of the modules' names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Models with the same latents.

    Parameters
    ----------
    scaling, shift : the latents of a denoiser, and of our modules, are (raw - shift) * scaling, where raw ones are
        those of the model's own autoencoder
    preview : the name that ComfyUI has for a small decoder of them
    """

    scaling: float
    shift: float
    preview: str


FAMILIES = {
    "sd15": Family(0.18215, 0.0, "taesd_decoder"),
    "sdxl": Family(0.13025, 0.0, "taesdxl_decoder"),
    "sd3": Family(1.5305, 0.0609, "taesd3_decoder"),
}
