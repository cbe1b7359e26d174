"""A module as a program that needs nothing of olacore: gather numbers, tanh-affine maps one after the other, assemble.

Exporters read it. The standardisation of inputs is folded into every map that reads them, in float64, so that maps read
the numbers as the view gathers them; that of targets stays apart, behind the last tanh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from olacore.kernels.lattice import to_even_lattice, to_lattice
from olacore.modules.shapes import titled
from olacore.views.base import View
from olacore.views.scaling import Scaling


@dataclass(frozen=True)
class Factors:
    """A matrix as it is stored, `levels * rows[:, None] * columns`, for exporters that keep files small.

    Parameters
    ----------
    levels : (out, in) int8, float16 or float32
    rows : (out,) float32
    columns : (in,) float32
    """

    levels: np.ndarray
    rows: np.ndarray
    columns: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, stored: str, even: bool) -> Factors:
        """Take weights (out, in) apart.

        Parameters
        ----------
        stored : the form that they have been rounded to, of `olacore.modules.file.STORED`
        even : as int8, they have scales of columns too
        """
        rows, columns = (np.ones(size, np.float32) for size in weights.shape)
        if stored != "int8":
            return cls(weights.astype(stored), rows, columns)
        if even:
            levels, rows, columns = to_even_lattice(weights)
        else:
            levels, rows = to_lattice(weights)
        return cls(levels, rows, columns.astype(np.float32))


@dataclass(frozen=True)
class Step:
    """A map `tanh(W x + b)`, where x is the gathered inputs and behind them what all steps before answered.

    Parameters
    ----------
    weights : (out, in + answers of the steps before) float32
    biases : (out,) float32
    factors : of the weights
    """

    weights: np.ndarray
    biases: np.ndarray
    factors: Factors


@dataclass(frozen=True)
class Program:
    """What a module computes.

    Parameters
    ----------
    gather : the view as plain values, which says how the inputs of a sample are cut, and how answers are put together
    inputs, outputs : numbers of a sample
    steps : maps in order; the last one answers
    gain : float32, a number for each answer
    shift : (out,) float32; targets are answer * gain + shift, in the units of the data, pixels in [-1, 1]
    basis : (answers, out) float32; with one, targets are (answer * gain) basis + shift; else None
    basis_factors : of the basis
    bound : what targets are clipped to, as (-bound, bound); None where they are not
    refiner : of a decoder that carries one: what reads its pictures, rounded to 256 levels, and what its `gather` says
        of the latents; its targets are added to the pictures
    """

    gather: dict[str, Any]
    inputs: int
    outputs: int
    steps: tuple[Step, ...]
    gain: np.ndarray
    shift: np.ndarray
    basis: np.ndarray | None
    basis_factors: Factors | None
    bound: float | None
    refiner: Program | None = None

    @property
    def title(self) -> str:
        """What messages call it, such as "patch encoder"."""
        return titled(self.gather)

    @classmethod
    def of(
        cls,
        view: View,
        scaling: Scaling,
        maps: Sequence[tuple[np.ndarray, np.ndarray]],
        stored: str = "float32",
        refiner: Program | None = None,
    ) -> Program:
        """Fold a scaling into maps.

        Parameters
        ----------
        maps : weights and biases in the order in which they answer, on standardised inputs
        stored : the form that weights and basis have been rounded to
        refiner : see `Program`
        """
        mean, scale = (part.astype(np.float64) for part in (scaling.input_mean, scaling.input_scale))
        steps = []
        for weights, biases in maps:
            wide = weights.astype(np.float64)
            wide[:, : view.inputs] /= scale
            moved = biases - wide[:, : view.inputs] @ mean
            factors = Factors.of(weights, stored, len(maps) > 1)
            columns = factors.columns.astype(np.float64)
            columns[: view.inputs] /= scale
            factors = replace(factors, columns=columns.astype(np.float32))
            steps.append(Step(wide.astype(np.float32), moved.astype(np.float32), factors))
        size = view.inputs, view.outputs
        return cls(
            view.to_dict(),
            *size,
            tuple(steps),
            gain=scaling.target_scale,
            shift=scaling.target_mean,
            basis=scaling.basis,
            basis_factors=None if scaling.basis is None else Factors.of(scaling.basis, stored, True),
            bound=view.bound,
            refiner=refiner,
        )

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Compute it in NumPy, a refiner left out: gathered inputs (n, in) to targets (n, out), float32."""
        known = inputs.astype(np.float32)
        for step in self.steps:
            answer = np.tanh(known @ step.weights.T + step.biases)
            known = np.hstack([known, answer])
        parts = answer * self.gain
        targets = (parts if self.basis is None else parts @ self.basis) + self.shift
        return targets if self.bound is None else np.clip(targets, -self.bound, self.bound)
