"""Arrays as callers have them: NumPy, torch on any device, PIL; in the forms that modules read."""

from __future__ import annotations

from typing import Any

import numpy as np

from olacore.errors import DataError, DTypeError, ShapeError
from olacore.media.frames import checked_pictures, to_pixels

# How far floats may leave [-1, 1], as rounding in half precision makes them.
SLACK = 0.01


def as_array(given: Any) -> np.ndarray:
    """Return a NumPy array of whatever holds one: a torch tensor of any float type, on any device, with gradients."""
    if hasattr(given, "detach") and hasattr(given, "cpu"):
        tensor = given.detach().cpu()
        # NumPy has no bfloat16.
        given = (tensor.float() if str(tensor.dtype) in ("torch.bfloat16", "torch.float16") else tensor).numpy()
    array = np.asarray(given)
    if array.dtype == object:
        raise DTypeError(f"expected an array of numbers; got {type(given).__name__}.")
    return array


def as_pictures(given: Any) -> tuple[np.ndarray, bool]:
    """Return pictures as (m, H, W, 3) uint8, and whether several were given.

    Parameters
    ----------
    given : (H, W, 3) or (m, H, W, 3) uint8; (3, H, W) or (m, 3, H, W) of any float type, in [-1, 1], as diffusers has
        them; or a PIL picture, in any mode

    Raises
    ------
    ShapeError  if they are of another shape
    DTypeError  if they are neither uint8 nor floats
    DataError  if floats are not in [-1, 1]
    """
    if hasattr(given, "convert") and hasattr(given, "getbands"):
        from olacore.media.pictures import flattened

        given = flattened(given)
    array = as_array(given)
    if array.dtype.kind == "f":
        array = _from_floats(array)
    return checked_pictures(array), array.ndim == 4


def _from_floats(array: np.ndarray) -> np.ndarray:
    if array.ndim not in (3, 4) or array.shape[-3] != 3 or 0 in array.shape:
        raise ShapeError(f"pictures as floats must be (3, H, W) or (m, 3, H, W); got {array.shape}.")
    low, high = float(array.min()), float(array.max())
    if not (low >= -1 - SLACK and high <= 1 + SLACK):
        raise DataError(f"pictures as floats must lie in [-1, 1]; these lie in [{low:.4g}, {high:.4g}].")
    return to_pixels(np.moveaxis(array, -3, -1).astype(np.float32))
