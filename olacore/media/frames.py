"""Pictures and latents as arrays: checked, padded, taken apart and put together."""

from __future__ import annotations

import numpy as np

from olacore.errors import ConfigError, DataError, DTypeError, ShapeError

THUMBNAIL = 64
# The bits of the exponent of a float16: all of them are set in NaN and inf.
HALF_INFINITE = np.uint16(0x7C00)
# Of the sides of a decoded picture.
SHRINKS = (1, 2, 4, 8)


def checked_pictures(pictures: np.ndarray) -> np.ndarray:
    """Return pictures as (m, H, W, 3) uint8, or say what they should have been."""
    array = np.asarray(pictures)
    if array.dtype != np.uint8:
        raise DTypeError(f"pictures must be uint8; got {array.dtype}.")
    if array.ndim not in (3, 4) or array.shape[-1] != 3 or 0 in array.shape:
        raise ShapeError(f"pictures must be (H, W, 3) or (m, H, W, 3); got {array.shape}.")
    return array if array.ndim == 4 else array[None]


def checked_latents(latents: np.ndarray, channels: int, rank: int) -> np.ndarray:
    """Return latents as float16 (m, C, h, w), or (m, C) where `rank` is 1; or say what they should have been."""
    array = np.asarray(latents)
    form = "(C,) or (m, C)" if rank == 1 else "(C, h, w) or (m, C, h, w)"
    if array.dtype not in (np.float16, np.float32, np.float64):
        raise DTypeError(f"latents must be float16 or float32; got {array.dtype}.")
    if array.ndim not in (rank, rank + 1) or 0 in array.shape or array.shape[-rank] != channels:
        raise ShapeError(f"latents must be {form} with {channels} channels; got {array.shape}.")
    with np.errstate(over="ignore"):
        halves = array.astype(np.float16)
    # NumPy's `isfinite` of halves takes five times as long.
    bad = int(np.count_nonzero(halves.view(np.uint16) & HALF_INFINITE == HALF_INFINITE))
    if bad:
        raise DataError(f"latents must be finite as float16; got {bad} values that are NaN, inf or too large.")
    return halves.reshape(-1, *array.shape[-rank:])


def pad_to_factor(frames: np.ndarray, factor: int) -> np.ndarray:
    """Repeat the last pixels of frames (m, H, W, 3) until both sides are multiples of the factor."""
    down, right = -frames.shape[1] % factor, -frames.shape[2] % factor
    if not (down or right):
        return np.ascontiguousarray(frames)
    return np.pad(frames, ((0, 0), (0, down), (0, right), (0, 0)), mode="edge")


def to_pixels(values: np.ndarray) -> np.ndarray:
    """Round values in [-1, 1] to uint8."""
    return np.clip(np.rint((values + 1) * np.float32(127.5)), 0, 255).astype(np.uint8)


def check_shrink(shrink: int, factor: int) -> None:
    """Raise `ConfigError` unless pictures of so many pixels a latent site become smaller by this."""
    if shrink not in SHRINKS or factor % shrink:
        raise ConfigError(f"shrink must be 1, 2, 4 or 8, and divide {factor} pixels a site; got {shrink!r}.")


def shrunk(pictures: np.ndarray, factor: int) -> np.ndarray:
    """Means of blocks of factor x factor pixels, rounded: (..., H, W, 3) uint8 to (..., H/factor, W/factor, 3) uint8.

    Parameters
    ----------
    factor : at most 16; H and W are multiples of it
    """
    if factor == 1:
        return pictures
    *some, height, width, colours = pictures.shape
    # Whole rows first: they are added as they lie. 16 bits hold the sum of 256 pixels.
    rows = pictures.reshape(*some, height // factor, factor, width * colours).sum(-2, dtype=np.uint16)
    blocks = rows.reshape(*some, height // factor, width // factor, factor, colours)
    summed = blocks[..., 0, :].copy()
    for number in range(1, factor):
        summed += blocks[..., number, :]
    return ((summed + factor**2 // 2) // factor**2).astype(np.uint8)


def spatial_mean(latents: np.ndarray) -> np.ndarray:
    """Mean of latents (m, C, h, w) over their sites, as (m, C) float32."""
    return latents.mean((2, 3), dtype=np.float64).astype(np.float32)


def thumbnails(frames: np.ndarray) -> np.ndarray:
    """Area means of frames (m, H, W, 3) on a 64 x 64 grid, as (m, 12288) float32 in [-1, 1], order (y, x, c).

    Raises
    ------
    ShapeError  if height or width is no multiple of 64
    """
    m, height, width, _ = frames.shape
    if height % THUMBNAIL or width % THUMBNAIL:
        raise ShapeError(
            f"the global decoder needs frames whose sides are multiples of {THUMBNAIL}; got {height} x {width}."
        )
    cells = frames.reshape(m, THUMBNAIL, height // THUMBNAIL, THUMBNAIL, width // THUMBNAIL, 3)
    return (cells.mean((2, 4), dtype=np.float64) / 127.5 - 1).reshape(m, -1).astype(np.float32)
