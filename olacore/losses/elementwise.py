"""Losses of one prediction and one target at a time: squared, absolute and Huber's, and users' own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from olacore.kernels.loss import (
    huber,
    huber_reference,
    mae,
    mae_reference,
    make_score_population,
    mse,
    mse_reference,
)
from olacore.kernels.row_steps import make_step_rows
from olacore.losses.base import LOSSES, Loss


class Elementwise(Loss):
    """A mean over samples of a compiled function of (prediction, target), two float32.

    Parameters
    ----------
    name : what it is found by
    function : compiled
    on_arrays : the same for arrays
    """

    def __init__(self, name: str, function: Callable[..., Any], on_arrays: Callable[..., np.ndarray]) -> None:
        self.name, self.function, self.on_arrays = name, function, on_arrays

    def __reduce__(self) -> tuple[Any, ...]:
        """Be the same loss in another process where that knows it: kernels that are kept on disk know its function."""
        return (_loss_of if LOSSES.get(self.name) is self else Elementwise), (self.name, self.function, self.on_arrays)

    def score(self, weights, biases, packed, targets, shares, out) -> None:
        """Score every row by itself."""
        make_score_population(self.function)(weights, biases, packed, targets, out)

    def step(self, pre, targets, responses, bent, reach, pull, gram, shares, before, steps) -> None:
        """Step every row by itself."""
        make_step_rows(self.function)(pre, targets, responses, bent, reach, pull, gram, before, steps)

    def measure(self, answers: np.ndarray, targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Mean over samples."""
        return self.on_arrays(answers, targets).mean(-1, dtype=np.float64)


def _loss_of(name: str, *given: Any) -> Loss:
    return LOSSES[name] if name in LOSSES else Elementwise(name, *given)


MSE = LOSSES.add(Elementwise("mse", mse, mse_reference))
LOSSES.add(Elementwise("mae", mae, mae_reference))
LOSSES.add(Elementwise("huber", huber, huber_reference))
