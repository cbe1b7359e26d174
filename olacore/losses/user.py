"""Losses of a user's own: a compiled function, or a function in a file, `my_losses.py:function`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.extending import is_jitted

from olacore.errors import ConfigError
from olacore.foreign.programs import own_function
from olacore.jit.flags import serial
from olacore.losses.base import LOSSES, Loss
from olacore.losses.elementwise import Elementwise

# Predictions and targets at which functions that divide or take roots fail, if they do.
TRIALS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0))


def as_loss(given: str | Callable[..., Any] | Loss) -> Loss:
    """Return the loss of that name, or one made of a function of (prediction, target) compiled with `numba.njit`.

    Raises
    ------
    ConfigError  if there is no such loss, or the function is not compiled or gives no number
    """
    if isinstance(given, Loss):
        return given
    if isinstance(given, str) and given in LOSSES:
        return LOSSES[given]
    if not is_compiled(given):
        raise ConfigError(
            f"the loss must be {', '.join(LOSSES)}, my_losses.py:function, or a function compiled with numba.njit; "
            f"got {given!r}."
        )
    assert not isinstance(given, str)
    check_function(given)
    return Elementwise(given.__name__, given, _on_arrays(given))


def find_loss(reference: str) -> Loss:
    """Return the loss of that name, or of the function of a user's file, `my_losses.py:function`, compiled.

    Raises
    ------
    ConfigError  if there is no such loss or function, or it cannot be compiled
    FileFormatError  if the file is missing, or does not run
    """
    path, _, name = reference.rpartition(":")
    if reference in LOSSES or not path.endswith(".py"):
        return as_loss(reference)
    function = own_function(Path(path), name, "the loss", "prediction, target")
    return as_loss(function if is_jitted(function) else numba.njit(function))


def is_compiled(loss: Any) -> bool:
    """Whether this is a function that kernels can call."""
    return is_jitted(loss) or bool(numba.config.DISABLE_JIT and callable(loss))  # type: ignore[attr-defined]


def check_function(loss: Callable[..., Any]) -> None:
    """Try a user's function on a few pairs of numbers.

    Raises
    ------
    ConfigError  if it does not compile, raises, or does not answer with a number
    """
    name = getattr(loss, "__name__", repr(loss))
    try:
        answer = loss(np.float32(0.5), np.float32(0.25))
        for pair in TRIALS:
            loss(*map(np.float32, pair))
    # What it raises in a thread of a kernel is lost, and its answer is then 0.
    except ZeroDivisionError as error:
        raise ConfigError(
            f"the loss {name} divides by zero; add a small number to what it divides by, or compile it with "
            "numba.njit(error_model='numpy')."
        ) from error
    # Whatever a user's code or its compilation raises, it is the function that is wrong.
    except (Exception, SystemExit) as error:
        reason = next((line.strip() for line in str(error).splitlines()[1:] if line.strip()), str(error))
        raise ConfigError(
            f"the loss {name} must be a function of (prediction, target) that numba can compile: {reason}"
        ) from error
    if not isinstance(answer, int | float | np.number):
        raise ConfigError(f"the loss {name} must give a number; it gave {type(answer).__name__}.")


def _on_arrays(function: Callable[..., Any]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The function applied to every pair of numbers of two arrays of one shape."""

    def fill(answers, targets, out):
        for i in range(out.size):
            out[i] = function(answers[i], targets[i])

    compiled = serial(fill)

    def apply(answers: np.ndarray, targets: np.ndarray) -> np.ndarray:
        out = np.empty(answers.shape, np.float32)
        flat = (np.ascontiguousarray(part, np.float32).reshape(-1) for part in (answers, targets))
        compiled(*flat, out.reshape(-1))
        return out

    return apply
