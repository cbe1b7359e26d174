"""What a user of torch would write in place of the fused loss, for comparisons of speed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch

Scoring = Callable[[], torch.Tensor]


def scoring_chains(
    weights: np.ndarray, biases: np.ndarray, inputs: np.ndarray, targets: np.ndarray
) -> dict[str, Scoring]:
    """Mean squared error of every genome and row as chains of torch operations, in place where torch can.

    Parameters
    ----------
    weights : (pop, out, in) float32
    biases : (pop, out) float32
    inputs : (n, in) float32
    targets : (out, n) float32

    Returns
    -------
    by name, functions that give (pop, out): `torch linear` as it is usually written, samples first; `torch addmm` with
    a row's samples side by side, in memory that is kept from call to call
    """
    pop, out, width = weights.shape
    flat = torch.from_numpy(weights).view(pop * out, width)
    bias = torch.from_numpy(biases).view(-1)
    x, y = torch.from_numpy(inputs), torch.from_numpy(targets)
    sample_targets = y.T.contiguous()[:, None]
    across, column = x.T.contiguous(), bias[:, None]
    kept = torch.empty(pop * out, len(x))

    @torch.inference_mode()
    def linear() -> torch.Tensor:
        errors = torch.nn.functional.linear(x, flat, bias).tanh_().view(-1, pop, out).sub_(sample_targets)
        return torch.linalg.vector_norm(errors, dim=0).square_().div_(len(x))

    @torch.inference_mode()
    def addmm() -> torch.Tensor:
        errors = torch.addmm(column, flat, across, out=kept).tanh_().view(pop, out, -1).sub_(y)
        return torch.linalg.vector_norm(errors, dim=-1).square_().div_(len(x))

    return {"torch linear": linear, "torch addmm": addmm}


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Run torch's operations on so many threads, and give the old number back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
