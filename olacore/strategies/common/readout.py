"""What strategies with a linear read-out share: products of packed rows, axes of what it reads, its parabola."""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.kernels.forward import multiply_packed
from olacore.kernels.layout import CHUNK, empty_packed
from olacore.kernels.products import multiply_rows
from olacore.strategies.base import State

# Targets are scaled down so far that the tanh of the answer bends them by less than 0.6 %.
LINEAR = 8.0
# Steps between two looks at the axes of what the read-out reads.
LOOKS = 30
# Axes with a variance under this get a response below 1. Along those with less than half of it steps are shorter than
# to the lowest point of the parabola, which few samples of small responses do not tell.
RIDGE, LEAST_RESPONSE = 1e-2, 0.5
# Share of the way to the lowest point of its parabola that a change of many parts at once goes at most.
LINE = 0.5
TINY = 1e-12


def multiply(weights: np.ndarray, biases: np.ndarray | None, packed: np.ndarray, samples: int) -> np.ndarray:
    """Return W x + b, (out, n), of packed rows; without biases W x."""
    out = np.empty((len(weights), samples), np.float32)
    shift = np.zeros(len(weights), np.float32) if biases is None else np.ascontiguousarray(biases)
    multiply_packed(np.ascontiguousarray(weights), shift, packed, out)
    return out


def pack(rows: np.ndarray) -> np.ndarray:
    """Return (rows, n) as (chunks, rows, CHUNK)."""
    packed = empty_packed(rows.shape[1], len(rows))
    pack_into(rows, packed)
    return packed


def pack_into(rows: np.ndarray, out: np.ndarray) -> None:
    """Lay (rows, n) out as (chunks, rows, CHUNK), zero past the last sample."""
    whole, rest = divmod(rows.shape[1], CHUNK)
    out[:whole] = rows[:, : whole * CHUNK].reshape(len(rows), whole, CHUNK).swapaxes(0, 1)
    if rest:
        out[whole, :, :rest] = rows[:, whole * CHUNK :]
        out[whole, :, rest:] = 0


def look(state: State, rows: np.ndarray) -> None:
    """Find the principal axes of what a read-out reads, (features, n), over what was seen before; into `features`."""
    with one_blas_thread():
        moments = (rows @ rows.T) / np.float64(rows.shape[1])
        state["moments"] = 0.5 * (state["moments"] + moments) if len(state["features"]) else moments
        variance, vectors = np.linalg.eigh(state["moments"])
    state["features"] = np.ascontiguousarray((vectors / np.sqrt(variance.clip(0) + RIDGE)).T, np.float32)


def step_along(residual: np.ndarray, responses: np.ndarray, damp: float) -> np.ndarray:
    """Return damped steps (out, k) of a linear read-out along directions with these responses (k, n).

    The minus trial's loss less the plus trial's is 4 residual . response and the bend 2 |response|^2, for every row of
    the read-out at once: the lowest point of the parabola, or less where the mean square of a response is small.
    """
    found = np.empty((len(residual), len(responses)), np.float32)
    multiply_rows(residual, responses, found)
    least = np.float32(LEAST_RESPONSE * responses.shape[1])
    return np.float32(damp) * found / np.maximum((responses * responses).sum(1), least)


def share_of_change(residual: np.ndarray, answers: np.ndarray) -> np.float32:
    """Return how much of a change that adds `answers` is taken, 0 to 1, by the parabola of the loss along it."""
    rise, bend = np.empty((2, 1, 1), np.float32)
    flat = answers.reshape(1, -1)
    multiply_rows(residual.reshape(1, -1), flat, rise)
    multiply_rows(flat, flat, bend)
    return np.float32(min(max(LINE * float(rise[0, 0]) / max(float(bend[0, 0]), TINY), 0.0), 1.0))


def change_of(change: np.ndarray, *whole: np.ndarray) -> float:
    """Return the length of a change over that of the weights that it changed, the same for any number of threads."""
    squares = [float(np.square(part, dtype=np.float64).sum()) for part in (change, *whole)]
    return float(np.sqrt(squares[0] / max(sum(squares[1:]), TINY)))
