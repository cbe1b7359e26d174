"""Sizes, and the random blocks that kernels are measured on."""

import numpy as np

from bench.speed.cases import Block, Size


def test_size__counts_rows_and_operations():
    size = Size(2, 3, 5, 7)
    assert (size.rows, size.flops, str(size)) == (6, 2.0 * 6 * 5 * 7, "2x3x5, 7")


def test_block__has_pre_activations_of_about_unit_variance():
    block = Block.random(Size(4, 8, 64, 500))
    rows = block.packed.swapaxes(1, 2).reshape(-1, 64)[:500]
    assert 0.9 < np.std(rows @ block.weights.reshape(-1, 64).T) < 1.1
    assert block.biases.shape == (4, 8)
    assert block.targets.shape == (8, 500)
    assert np.abs(block.targets).max() < 1
    np.testing.assert_array_equal(Block.random(Size(4, 8, 64, 500)).weights, block.weights)
