"""How the numbers of a genome become maps: a plain vector, or a tanh-affine map, or a stack of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from olacore.errors import ConfigError
from olacore.modules.layers import Layer
from olacore.modules.module import Module
from olacore.views.plain import Plain
from olacore.views.scaling import Scaling

# Numbers of a genome: sums of squares of more no longer fit what float32 resolves.
MOST_NUMBERS = 1 << 24
# Spread of the first biases, as a share of that of weights: most policies of wide biases do the same whatever they see.
BIASES = 0.1


@dataclass(frozen=True)
class Layout:
    """The numbers of a genome, map by map: weights row by row, then biases.

    Parameters
    ----------
    layers : inputs, units of each hidden map, and outputs; each map reads the inputs and what all maps before it
        answered. Empty for a plain vector
    size : numbers of a genome
    """

    layers: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, layers: Sequence[int] | None, size: int | None) -> Layout:
        """The layout of maps of these `layers`, or of a vector of `size` numbers.

        Raises
        ------
        ConfigError  unless exactly one is given, of whole numbers of 1 or more, and the genome is not too large
        """
        if (layers is None) == (size is None):
            raise ConfigError("give either layers, such as (4, 2) or (4, 16, 2), or the size of a plain vector.")
        numbers: tuple[Any, ...] = (size,) if layers is None else tuple(layers)
        if not all(isinstance(n, int | np.integer) and n >= 1 for n in numbers) or len(numbers) < (
            1 if layers is None else 2
        ):
            what = "size must be a whole number" if layers is None else "layers must be two or more whole numbers"
            raise ConfigError(f"{what} of 1 or more; got {size if layers is None else layers!r}.")
        counted = tuple(int(n) for n in numbers)
        layout = cls((), counted[0]) if layers is None else cls(counted, sum(o * (i + 1) for o, i in maps_of(counted)))
        if layout.size > MOST_NUMBERS:
            raise ConfigError(f"a genome has at most {MOST_NUMBERS} numbers; these would be {layout.size}.")
        return layout

    @property
    def maps(self) -> tuple[tuple[int, int], ...]:
        """Outputs and inputs of each map."""
        return maps_of(self.layers)

    @property
    def scales(self) -> np.ndarray:
        """How wide each number of the first genomes is spread, (size,) float64: 1 for a vector; in a map narrower where
        many numbers are summed, and biases much narrower than weights, which what is seen would count little beside.
        """
        if not self.layers:
            return np.ones(self.size)
        return np.concatenate(
            [np.repeat([1, BIASES], [outputs * inputs, outputs]) / np.sqrt(inputs + 1) for outputs, inputs in self.maps]
        )

    @property
    def contrasts(self) -> Layout:
        """The layout of the same maps where only which of their last answers is largest counts: what all of these have
        in common is left out, so that the last map has an answer less.

        Raises
        ------
        ConfigError  if there are fewer than two answers
        """
        if len(self.layers) < 2 or self.layers[-1] < 2:
            raise ConfigError("of fewer than two answers none is the largest; give discrete=False.")
        return Layout.of((*self.layers[:-1], self.layers[-1] - 1), None)

    def from_contrasts(self, points: np.ndarray) -> np.ndarray:
        """Genomes (pop, size) of points (pop, n) of the layout of contrasts; last answers sum to 0 before tanh."""
        return self._last(points, self.contrasts, basis_of_contrasts(self.layers[-1]).T)

    def to_contrasts(self, genomes: np.ndarray) -> np.ndarray:
        """Points (pop, n) of genomes (pop, size), without what all of their last answers have in common."""
        return self._last(genomes, self, basis_of_contrasts(self.layers[-1]))

    def _last(self, numbers: np.ndarray, layout: Layout, mixing: np.ndarray) -> np.ndarray:
        """Mix the rows of the last map, (pop, rows, in) and (pop, rows), of genomes of a layout."""
        rows, inputs = layout.maps[-1]
        before = layout.size - rows * (inputs + 1)
        kept, last = numbers[:, :before], numbers[:, before:]
        weights, biases = last[:, : rows * inputs].reshape(-1, rows, inputs), last[:, rows * inputs :]
        # Not by BLAS, whose sums depend on the number of threads.
        mixed = (
            np.einsum("or,pri->poi", mixing, weights).reshape(len(numbers), -1),
            np.einsum("or,pr->po", mixing, biases),
        )
        return np.concatenate([kept, *mixed], 1)

    def split(self, genomes: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Weights (pop, out, in) and biases (pop, out) of each map of genomes (pop, size), contiguous."""
        parts, start = [], 0
        for outputs, inputs in self.maps:
            middle, end = start + outputs * inputs, start + outputs * (inputs + 1)
            weights = np.ascontiguousarray(genomes[:, start:middle]).reshape(-1, outputs, inputs)
            parts.append((weights, np.ascontiguousarray(genomes[:, middle:end])))
            start = end
        return tuple(parts)

    def module(self, genome: np.ndarray, training: dict[str, object]) -> Module:
        """The module of a genome (size,): numbers to numbers, with answers in (-1, 1).

        Raises
        ------
        ConfigError  if the genome is a plain vector
        """
        if not self.layers:
            raise ConfigError("a genome that is a plain vector makes no module; give layers instead of a size.")
        maps = [(weights[0], biases[0]) for weights, biases in self.split(genome[None])]
        inputs, outputs = self.layers[0], self.layers[-1]
        hidden = tuple(Layer(*part) for part in maps[:-1])
        scaling = Scaling.identity(inputs, outputs)
        return Module(Plain(inputs, outputs), None, *maps[-1], scaling, training, "float32", hidden)


def maps_of(layers: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Outputs and inputs of each map of a stack: what it reads grows by what each map before it answered."""
    return tuple((outputs, sum(layers[: k + 1])) for k, outputs in enumerate(layers[1:]))


@lru_cache(8)
def basis_of_contrasts(count: int) -> np.ndarray:
    """Helmert's basis of what sums to 0: orthonormal rows, (count - 1, count) float64, of which row k sets the mean of
    the first k + 1 numbers against the next.
    """
    basis = np.tril(np.ones((count - 1, count)))
    for k, row in enumerate(basis):
        row[k + 1] = -(k + 1)
    return basis / np.sqrt((basis**2).sum(1, keepdims=True))
