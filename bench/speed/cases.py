"""Blocks and populations of random numbers, and what a kernel's measurement is described by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.common.timing import Action
from olacore.kernels.layout import empty_packed

# Pixels of a patch along a side, as in the latent spaces of Stable Diffusion.
FACTOR = 8


@dataclass(frozen=True)
class Size:
    """Population, outputs, inputs and samples."""

    pop: int
    out: int
    inputs: int
    n: int

    @property
    def rows(self) -> int:
        """Rows of all genomes."""
        return self.pop * self.out

    @property
    def flops(self) -> float:
        """Operations of the products alone, two for each weight and sample."""
        return 2.0 * self.rows * self.inputs * self.n

    def __str__(self) -> str:
        return f"{self.pop}x{self.out}x{self.inputs}, {self.n}"


@dataclass(frozen=True)
class Case:
    """One kernel on one shape.

    Parameters
    ----------
    name, shape : for people
    action : calls the kernel
    work, unit : of one call
    traffic : bytes that one call has to move at least, to compare with copying; None where sgemm is the ceiling
    """

    name: str
    shape: str
    action: Action
    work: float
    unit: str
    traffic: float | None = None


@dataclass(frozen=True)
class Block:
    """A population and the block that it is scored on.

    Parameters
    ----------
    weights : (pop, out, in) float32
    biases : (pop, out) float32
    packed : (chunks, in, CHUNK) float32
    targets : (out, n) float32 in (-1, 1)
    """

    weights: np.ndarray
    biases: np.ndarray
    packed: np.ndarray
    targets: np.ndarray

    @classmethod
    def random(cls, size: Size) -> Block:
        """A block whose pre-activations have about unit variance."""
        rng = np.random.default_rng(0)
        weights = rng.standard_normal((size.pop, size.out, size.inputs), np.float32)
        weights /= np.float32(size.inputs**0.5)
        packed = empty_packed(size.n, size.inputs)
        rng.standard_normal(packed.shape, np.float32, out=packed)
        targets = np.tanh(rng.standard_normal((size.out, size.n), np.float32))
        return cls(weights, np.zeros((size.pop, size.out), np.float32), packed, targets)
