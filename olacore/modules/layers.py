"""The maps of a module, and how they lie in its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from olacore.modules.file import BASIS, TENSORS, Parts
from olacore.views.scaling import Scaling


@dataclass(frozen=True)
class Layer:
    """A hidden map of a stack, `tanh(W x + b)`; x is the inputs and what all hidden maps before it answered.

    Parameters
    ----------
    weights : (units, in) float32
    biases : (units,) float32
    """

    weights: np.ndarray
    biases: np.ndarray

    @property
    def units(self) -> int:
        """Numbers that it answers."""
        return len(self.biases)


def from_parts(parts: Parts, hidden: int) -> dict[str, Any]:
    """Return the weights, biases, scaling and hidden maps of a module, by the names of its fields."""
    return {
        "weights": parts["weights"],
        "biases": parts["biases"],
        "scaling": Scaling(**{name: parts[name] for name in TENSORS[2:]}, basis=parts.get(BASIS)),
        "hidden": tuple(Layer(parts[f"hidden_{k}_weights"], parts[f"hidden_{k}_biases"]) for k in range(hidden)),
    }
