"""The genomes of one generation, as arrays that a fitness function can work with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.errors import ShapeError
from olacore.fitness.layout import Layout
from olacore.jit.threads import threads
from olacore.kernels.genomes import answer_each
from olacore.modules.module import Module

# Products of an answer below which one thread is quicker than to wake others.
FEW = 1 << 16


@dataclass(frozen=True)
class Population:
    """Genomes to be scored.

    Parameters
    ----------
    layout : what their numbers mean
    genomes : (pop, size) float32; not to be written to
    generation : from 0
    """

    layout: Layout
    genomes: np.ndarray
    generation: int

    def __len__(self) -> int:
        return len(self.genomes)

    @cached_property
    def maps(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Weights (pop, out, in) and biases (pop, out) of each map, float32 and contiguous; none for plain vectors."""
        return self.layout.split(self.genomes)

    @property
    def weights(self) -> np.ndarray:
        """Weights (pop, out, in) of the map that answers."""
        return self.maps[-1][0]

    @property
    def biases(self) -> np.ndarray:
        """Biases (pop, out) of the map that answers."""
        return self.maps[-1][1]

    def answer(self, inputs: Any) -> np.ndarray:
        """What each genome answers to inputs of its own.

        Parameters
        ----------
        inputs : (pop, in), one input a genome, or (pop, n, in) float32

        Returns
        -------
        (pop, out) or (pop, n, out) float32 in (-1, 1)

        Raises
        ------
        ShapeError  if the inputs have another shape, or the genomes are plain vectors
        """
        given = np.asarray(inputs, np.float32)
        wanted = self.layout.layers[0] if self.layout.layers else 0
        if given.ndim not in (2, 3) or (len(given), given.shape[-1]) != (len(self), wanted):
            raise ShapeError(
                f"inputs of {len(self)} genomes must be ({len(self)}, {wanted}) or ({len(self)}, n, {wanted}); "
                f"got {given.shape}."
            )
        read = np.ascontiguousarray(given.reshape(len(self), -1, wanted))
        with threads(1 if self.genomes.size * read.shape[1] < FEW else None):
            for weights, biases in self.maps:
                answers = np.empty((*read.shape[:2], weights.shape[1]), np.float32)
                answer_each(weights, biases, read, answers)
                read = np.concatenate([read, answers], 2)
        return answers[:, 0] if given.ndim == 2 else answers

    def module(self, index: int) -> Module:
        """The module of one genome.

        Raises
        ------
        ConfigError  if the genomes are plain vectors
        """
        return self.layout.module(self.genomes[index], {"generation": self.generation})
