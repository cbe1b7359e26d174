"""What a search minimises: a loss, and the weight of each output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.errors import ConfigError
from olacore.losses import contrast, cosine  # noqa: F401  they make themselves known
from olacore.losses.base import Loss
from olacore.losses.user import as_loss


@dataclass(frozen=True)
class Objective:
    """A loss to minimise.

    Parameters
    ----------
    loss : a `Loss`, or the name of one: "mse", "mae", "huber" (delta 1), "cosine", "contrast"; or a function of
        (prediction, target), two float32, compiled with `numba.njit`
    shares : weight of each output; none for equal ones. They decide what the loss of a genome is; without a loss that
        couples outputs the rows of a genome do not depend on each other, so that each still finds its own minimum

    Raises
    ------
    ConfigError  if the loss is unknown or not compiled, or a weight is not above 0
    """

    loss: Loss | str | Callable[..., Any] = "mse"
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(float(share) for share in self.shares))
        if not all(0 < share < np.inf for share in self.shares):
            raise ConfigError(f"the weight of an output must be above 0; got {self.shares}.")
        _ = self.by  # an unknown loss is refused here

    @cached_property
    def by(self) -> Loss:
        """The loss itself."""
        return as_loss(self.loss)

    @property
    def name(self) -> str:
        """The loss's name, or that of the user's function."""
        return self.by.name

    @property
    def couples(self) -> bool:
        """Whether the loss of an output depends on the others."""
        return self.by.couples

    def check_outputs(self, outputs: int, pixels: bool, what: str) -> None:
        """Raise `ConfigError` unless there are as many weights as outputs, or none, and pixels where they are needed.

        Parameters
        ----------
        pixels : whether outputs are the pixels of a patch
        what : of the view, for the message
        """
        if self.shares and len(self.shares) != outputs:
            raise ConfigError(f"there are {outputs} outputs, and output weights for {len(self.shares)} of them.")
        if self.by.pixels and not pixels:
            raise ConfigError(f"the loss {self.name} weighs patches of pixels; got {what}.")

    def score(self, weights: np.ndarray, biases: np.ndarray, packed: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the mean loss of every genome and row, (pop, out).

        Parameters
        ----------
        weights, biases : (pop, out, in), (pop, out)
        packed : (chunks, in, CHUNK)
        targets : (out, n)
        """
        out = np.empty(biases.shape, np.float32)
        self.by.score(weights, biases, packed, targets, self._shares(len(targets)), out)
        return out

    def roots(self, targets: np.ndarray) -> np.ndarray:
        """Return the square roots of the weights of the samples (n,), for targets (out, n)."""
        return self.by.roots(targets)

    def step(
        self,
        pre: np.ndarray,
        targets: np.ndarray,
        responses: np.ndarray,
        reach: np.float32,
        pull: np.ndarray,
        gram: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the losses of the rows (out,) and the steps (out, directions) that lower them; see `step_rows`."""
        before, steps = np.empty(len(pre), np.float32), np.empty((len(pre), len(responses)), np.float32)
        bent, shares = np.empty_like(responses), self._shares(len(pre))
        self.by.step(pre, targets, responses, bent, reach, pull, gram, shares, before, steps)
        return before, steps

    def total(self, losses: np.ndarray) -> np.ndarray:
        """Return the loss of genomes from the losses of their rows (..., out)."""
        if self.couples or not self.shares:
            return losses.mean(-1)
        return losses @ (np.asarray(self.shares) / np.sum(self.shares))

    def loss_of(self, weights: np.ndarray, biases: np.ndarray, packed: np.ndarray, targets: np.ndarray) -> float:
        """Return the loss of one genome (out, in), (out,); inf where it is not finite."""
        return float(self.total(self.score(weights[None], biases[None], packed, targets)[0].astype(np.float64)))

    def measure(self, answers: np.ndarray, targets: np.ndarray) -> float:
        """Return the loss of answers (out, n), in whatever scale answers and targets have; inf where not finite."""
        loss = float(self.total(self.by.measure(answers, targets, self._shares(len(targets)))))
        return loss if np.isfinite(loss) else np.inf

    def _shares(self, outputs: int) -> np.ndarray:
        return np.asarray(self.shares or (1,) * outputs, np.float32)


MSE = Objective()
