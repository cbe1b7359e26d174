"""A stack under torch, by backprop and Adam: the ceiling that the evolved one is measured against, never shipped."""

from __future__ import annotations

import numpy as np
import torch


class Network:
    """The map W x + V tanh(U x + c) + b, W and b as given, U random, V and c zero.

    Parameters
    ----------
    weights, biases : (out, in) and (out,) of the affine map at the start
    units : hidden ones
    seed : of U
    """

    def __init__(self, weights: np.ndarray, biases: np.ndarray, units: int, seed: int) -> None:
        outputs, inputs = weights.shape
        generator = torch.Generator().manual_seed(seed)
        # Pre-activations of standardised inputs have a spread of about 1.
        spread = inputs**-0.5
        self._parts = [
            torch.tensor(np.ascontiguousarray(weights, np.float32)),
            torch.tensor(np.ascontiguousarray(biases, np.float32)),
            torch.randn(units, inputs, generator=generator) * spread,
            torch.zeros(units),
            torch.zeros(outputs, units),
        ]
        for part in self._parts:
            part.requires_grad_(True)
        self._adam = torch.optim.Adam(self._parts, lr=1e-3)

    def step(self, inputs: np.ndarray, targets: np.ndarray, roots: np.ndarray, rate: float) -> None:
        """Take one step of Adam on the squared error of a batch.

        Parameters
        ----------
        inputs, targets : (n, in) and (n, out) float32
        roots : (n,) square roots of the samples' weights
        """
        for group in self._adam.param_groups:
            group["lr"] = rate
        error = (self._answer(torch.from_numpy(inputs)) - torch.from_numpy(targets)) * torch.from_numpy(roots)[:, None]
        self._adam.zero_grad()
        error.square().sum(1).mean().backward()
        self._adam.step()

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Answers (out, n) to inputs (n, in)."""
        with torch.no_grad():
            return np.ascontiguousarray(self._answer(torch.from_numpy(inputs)).numpy().T)

    def _answer(self, inputs: torch.Tensor) -> torch.Tensor:
        weights, biases, hidden, shift, readout = self._parts
        affine = torch.addmm(biases, inputs, weights.T)
        return torch.addmm(affine, torch.tanh(torch.addmm(shift, inputs, hidden.T)), readout.T)
