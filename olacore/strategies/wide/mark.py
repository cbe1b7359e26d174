"""Numbers that tell whether a block has the samples of another one."""

from __future__ import annotations

import numpy as np

from olacore.blocks import Block

# Odd, with bits in no order: 2^64 over the golden ratio.
MIX = np.uint64(0x9E3779B97F4A7C15)


def mark_of(block: Block) -> np.ndarray:
    """Return numbers (1 + out,) that tell the samples of a block, whatever their order.

    The first is of the inputs' bits. The others are sums of the targets that go with them, whose last bits may depend
    on the order.
    """
    inputs = block.inputs.view(np.uint32)
    odd = (2 * np.arange(inputs.shape[1], dtype=np.uint64) + 1) * MIX
    of_samples = np.einsum("cik,i->ck", inputs, odd).reshape(-1)[: block.rows]
    of_samples = (of_samples ^ (of_samples >> np.uint64(29))) * MIX >> np.uint64(12)
    sums = block.targets.astype(np.float64) @ (of_samples / 2.0**52 - 0.5)
    return np.concatenate([[1 + float(of_samples.sum(dtype=np.uint64) >> np.uint64(12))], sums])


def alike(mark: np.ndarray, other: np.ndarray) -> bool:
    """Whether two marks are of the same samples."""
    return bool(mark[0] == other[0] and np.allclose(mark[1:], other[1:], rtol=0, atol=1e-5 * np.abs(mark[1:]).max()))
