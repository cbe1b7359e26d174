"""A last picture for loggers: what a module makes of the sample that comes with the package."""

from __future__ import annotations

import numpy as np

from olacore.data import open_dataset
from olacore.data.sample import sample_path
from olacore.media.canvas import grid
from olacore.modules.module import Module
from olacore.spaces import accepts

PICTURE = "sample"
# Held-out pictures that are shown.
SHOWN = 3


def sample_picture(module: Module) -> np.ndarray | None:
    """Show held-out pictures of the sample beside what an encoder or a decoder makes of them.

    Returns
    -------
    (h, w, 3) uint8: pictures and their decoded latents, or the channels of their encoded ones in grey; None for modules
    of other kinds, and for decoders of other latents
    """
    if module.kind not in ("encoder", "decoder"):
        return None
    with open_dataset([sample_path()]) as data:
        if module.space is None or not accepts(module.space, data.space):
            return None
        rows = data.read(("frames", "latents"), data.indices("held-out")[:SHOWN])
    if module.kind == "decoder":
        made = module.decode(rows["latents"])
        return grid([*zip(rows["frames"], made, strict=True)], ("original", "decoded"))
    latents = module.encode(rows["frames"])
    low, high = latents.min((0, 2, 3), keepdims=True), latents.max((0, 2, 3), keepdims=True)
    grey = np.round(255 * (latents - low) / np.maximum(high - low, 1e-9)).astype(np.uint8)
    scale = rows["frames"].shape[1] // grey.shape[2]
    shown = np.repeat(np.repeat(grey, scale, 2), scale, 3)[..., None].repeat(3, 4)
    titles = ("original", *(f"latent {channel}" for channel in range(grey.shape[1])))
    return grid([(frame, *channels) for frame, channels in zip(rows["frames"], shown, strict=True)], titles)
