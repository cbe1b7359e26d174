"""Colour profiles (ICC): from whatever colours a picture has to sRGB, through Pillow's LittleCMS."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image, ImageCms

# Colours outside of sRGB become the nearest ones, and black stays black.
# In numbers, since older versions of Pillow have no names for them.
INTENT: Any = 1
BLACK_POINT_COMPENSATION: Any = 0x2000
# Pillow's modes for the colour spaces of profiles.
SPACES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
# A profile that moves no colour by more grey levels is one of the many forms of sRGB: pixels are left as they are.
SAME = 2


@lru_cache(maxsize=8)
def find_conversion(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Make the conversion of a picture's colours to sRGB.

    Parameters
    ----------
    profile : the bytes of an ICC profile
    mode : of the picture: "L", "RGB" or "CMYK"; greys may have a profile for RGB

    Returns
    -------
    from its `inputMode` to "RGB"; None if the profile is sRGB's

    Raises
    ------
    ValueError  if the profile is damaged, or is for other pictures
    """
    from PIL import ImageCms

    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = opened.profile.xcolor_space.strip()
    except Exception as error:  # damage comes as half a dozen types
        raise ValueError("its colour profile is damaged") from error
    takes = SPACES.get(space, "")
    if takes != mode and (mode, takes) != ("L", "RGB"):
        raise ValueError(f"its colour profile is for {space}, which it is not")
    try:
        conversion = ImageCms.buildTransform(
            opened, ImageCms.createProfile("sRGB"), takes, "RGB", INTENT, BLACK_POINT_COMPENSATION
        )
        probe = _probe(takes)
        shown = ImageCms.applyTransform(probe, conversion)
    except Exception as error:
        raise ValueError("its colour profile is damaged") from error
    moved = np.asarray(shown).astype(int) - np.asarray(probe.convert("RGB"))
    return None if takes != "CMYK" and np.abs(moved).max() <= SAME else conversion


def _probe(mode: str) -> Image.Image:
    from PIL import Image

    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(len(levels), -1, 3)
    image = Image.fromarray(colours)
    return image if mode == "RGB" else image.convert(mode)
