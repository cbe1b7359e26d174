"""Noise on inputs: samples a little beside those that there are, of use where there are few."""

from __future__ import annotations

import numpy as np

from olacore.blocks import Block
from olacore.kernels.layout import empty_packed
from olacore.kernels.random import fill_normal

# Spread of noise at most: ten times that of the inputs.
MOST_NOISE = 10.0


def noisy(block: Block, spread: float, seed: int, generation: int) -> Block:
    """Return a block with normal noise on its standardised inputs, other noise in each generation.

    Parameters
    ----------
    spread : of the noise; 0 gives the block itself
    """
    if not spread:
        return block
    chunks, inputs, width = block.inputs.shape
    moved = empty_packed(chunks * width, inputs)
    fill_normal(seed, generation, moved.reshape(-1, width))
    moved *= np.float32(spread)
    moved += block.inputs
    rest = block.rows % width
    if rest:  # past the last sample there are zeros
        moved[-1, :, rest:] = 0
    return Block(moved, block.targets)
