"""What a loss is: how it scores populations, steps rows and measures answers, and what it asks of view and strategy."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from olacore.registry import Registry


class Loss(ABC):
    """A loss, lower is better; losses hold compiled functions and no state.

    Attributes
    ----------
    name : what it is found by
    couples : whether the loss of an output depends on the others, so that all rows of a genome share one loss
    pixels : whether targets have to be the pixels of a patch
    weighs_samples : whether samples count differently, by `roots`; only some strategies can
    """

    name: str
    couples: ClassVar[bool] = False
    pixels: ClassVar[bool] = False
    weighs_samples: ClassVar[bool] = False

    @abstractmethod
    def score(
        self,
        weights: np.ndarray,
        biases: np.ndarray,
        packed: np.ndarray,
        targets: np.ndarray,
        shares: np.ndarray,
        out: np.ndarray,
    ) -> None:
        """Write the mean loss of every genome and row, (pop, out); inf where it is not finite.

        Parameters
        ----------
        weights, biases : (pop, out, in), (pop, out)
        packed : (chunks, in, CHUNK)
        targets : (out, n)
        shares : (out,) weight of each output, above 0; only a loss that couples outputs uses them
        """

    @abstractmethod
    def step(
        self,
        pre: np.ndarray,
        targets: np.ndarray,
        responses: np.ndarray,
        bent: np.ndarray,
        reach: np.float32,
        pull: np.ndarray,
        gram: np.ndarray,
        shares: np.ndarray,
        before: np.ndarray,
        steps: np.ndarray,
    ) -> None:
        """Write the losses of rows (out,) and the steps (out, directions) that lower them; see `step_rows`."""

    @abstractmethod
    def measure(self, answers: np.ndarray, targets: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Return the mean loss of each output, (out,) float64, of answers (out, n) in any scale."""

    def roots(self, targets: np.ndarray) -> np.ndarray:
        """Return the square roots of the weights of the samples (n,), of mean square 1, for targets (out, n)."""
        return np.ones(targets.shape[1], np.float32)


LOSSES: Registry[Loss] = Registry("loss")
