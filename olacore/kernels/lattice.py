"""Weights on lattices of 255 levels: int8 with one scale for each row, and for each column where columns differ."""

import numpy as np

LEVELS = 127
# Rounds in which column scales and the weights that they round settle; nearly always two do.
ROUNDS = 50
# Exponents of two that float16 holds without loss.
LEAST_EXPONENT, MOST_EXPONENT = -24, 15


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


def to_even_lattice(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Round finite weights (out, in) to int8 (out, in), scales (out,) float32 and columns (in,) float16.

    Columns are brought to about equal size first, or else the largest of them set the steps of all. `columns` are
    powers of two, so that nothing else is rounded and the lattice of a lattice is itself.
    """
    for _ in range(ROUNDS):
        columns = even_columns(weights)
        levels, scales = to_lattice(weights / columns)
        rounded = from_even_lattice(levels, scales, columns)
        if (rounded == weights).all():
            break
        weights = rounded
    return levels, scales, columns


def from_even_lattice(levels: np.ndarray, scales: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the weights (out, in) float32 of int8 levels (out, in), scales (out,) and columns (in,)."""
    return from_lattice(levels, scales) * columns.astype(np.float32)


def even_columns(weights: np.ndarray) -> np.ndarray:
    """The power of two next above each column's largest weight, (in,) float16."""
    _, exponents = np.frexp(np.abs(weights).max(0))
    return np.ldexp(np.float32(1), np.clip(exponents, LEAST_EXPONENT, MOST_EXPONENT)).astype(np.float16)


def as_stored(part: np.ndarray, form: str) -> np.ndarray:
    """Return weights (out, in) of a stack, or biases, rounded as a file of the form "float32", "float16" or "int8"."""
    if form == "float32":
        return part
    if form == "int8" and part.ndim == 2:
        return from_even_lattice(*to_even_lattice(part))
    return part.astype(np.float16).astype(np.float32)
