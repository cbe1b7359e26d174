"""Chains of torch operations that stand for the fused loss."""

import numpy as np
import pytest

from bench.speed.cases import Block, Size
from bench.speed.fused import plain_rows
from olacore.kernels.loss import score_population_reference

SMALL = Size(2, 3, 5, 7)


def test_torch_chains__give_the_loss_of_the_twin():
    pytest.importorskip("torch")
    from teachers.comparison.torch_kernels import scoring_chains

    block = Block.random(SMALL)
    expected = np.empty_like(block.biases)
    score_population_reference(block.weights, block.biases, block.packed, block.targets, expected)
    chains = scoring_chains(block.weights, block.biases, plain_rows(block.packed, SMALL.n), block.targets)
    for chain in chains.values():
        np.testing.assert_allclose(chain().numpy(), expected, rtol=1e-5)
        np.testing.assert_allclose(chain().numpy(), expected, rtol=1e-5)  # nothing is left over from the first call


def test_torch_threads__are_given_back():
    torch = pytest.importorskip("torch")
    from teachers.comparison.torch_kernels import torch_threads

    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
