"""Whether the numbers of a module fit each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from olacore.errors import DataError, ShapeError
from olacore.modules.file import POSITIVE


def titled(view: Mapping[str, Any]) -> str:
    """What messages call what has a view, given as plain values."""
    return "plain module" if view["kind"] == "plain" else f"{view['name']} {view['kind']}"


def check_shapes(
    what: str,
    sizes: tuple[int, int],
    maps: Sequence[tuple[np.ndarray, np.ndarray]],
    scaling: Mapping[str, np.ndarray],
) -> None:
    """Raise unless the maps of a module, and its scaling, have the shapes that its view asks for.

    Parameters
    ----------
    what : begins the sentence, such as "a patch decoder"
    sizes : inputs and targets of a sample
    maps : weights and biases, hidden maps in order and then the one that answers
    scaling : `input_mean`, `input_scale`, `target_mean`, `target_scale`, and `basis` where the answers are components

    Raises
    ------
    ShapeError  otherwise
    """
    inputs, outputs = sizes
    width = inputs
    *hidden, (weights, biases) = maps
    for number, (own, shifts) in enumerate(hidden):
        units = shifts.size
        if shifts.ndim != 1 or units < 1 or own.shape != (units, width):
            raise ShapeError(
                f"{what} needs weights (units, {width}) and biases (units,) in hidden layer {number}; "
                f"got {own.shape} and {shifts.shape}."
            )
        width += units
    basis = "basis" in scaling
    shape = (len(scaling["target_scale"]) if basis and scaling["target_scale"].ndim else outputs, width)
    if weights.shape != shape or biases.shape != shape[:1]:
        raise ShapeError(
            f"{what} needs weights {shape} and biases {shape[:1]}; got {weights.shape} and {biases.shape}."
        )
    wanted: dict[str, tuple[int, ...]] = {"input_mean": (inputs,), "input_scale": (inputs,)}
    wanted |= {"target_mean": (outputs,), "target_scale": shape[:1]}
    wanted |= {"basis": (shape[0], outputs)} if basis else {}
    if (found := {name: part.shape for name, part in scaling.items()}) != wanted:
        raise ShapeError(f"{what} needs scaling for {(outputs, inputs)}; got {(*found.values(),)}.")


def check_numbers(parts: Mapping[str, np.ndarray]) -> None:
    """Raise `DataError` unless all numbers of a module's tensors are finite, and its scales above 0."""
    for name, part in parts.items():
        if not np.isfinite(part).all():
            raise DataError(f"the tensor {name!r} of a module holds NaN or inf.")
        if name in POSITIVE and not (part > 0).all():
            raise DataError(f"the tensor {name!r} of a module must be above 0; got {part.min():g}.")
