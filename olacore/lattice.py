"""Weights on a lattice of 255 levels a row, int8 with one scale for each row."""

import numpy as np

LEVELS = 127


def to_lattice(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round weights (out, in) float32 to int8 (out, in) and scales (out,) float32; a scale is about a 127th of the
    row's largest weight.
    """
    scales = (np.abs(weights).max(-1) / np.float32(LEVELS)).astype(np.float32)
    # Without its last seven bits, rounded up, a scale times a level is exact, and the lattice of a lattice is itself.
    scales = ((scales.view(np.int32) + LEVELS) & ~LEVELS).view(np.float32)
    levels = np.rint(weights / np.where(scales > 0, scales, np.float32(1))[..., None])
    # A row that is not finite stays that way through its scale.
    return np.nan_to_num(levels, nan=0, posinf=LEVELS, neginf=-LEVELS).astype(np.int8), scales


def from_lattice(levels: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return the weights (..., out, in) float32 of int8 levels (..., out, in) and scales (..., out)."""
    return levels.astype(np.float32) * scales[..., None]
