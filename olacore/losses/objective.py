"""What a search minimises: a loss, and the weight of each output."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numba.extending import is_jitted

from olacore.errors import ConfigError
from olacore.kernels.cosine import score_population_cosine, sum_outputs
from olacore.kernels.forward import forward_population
from olacore.kernels.loss import LOSSES, make_score_population
from olacore.kernels.row_steps import make_step_rows, step_rows_cosine
from olacore.views.view import View

COSINE, STRUCTURE = "cosine", "structure"
NAMES = (*LOSSES, COSINE, STRUCTURE)
# Colours of a pixel; outputs that are pixels come as (row, column, colour).
COLOURS = 3


@dataclass(frozen=True)
class Objective:
    """A loss to minimise.

    Parameters
    ----------
    loss : "mse", "mae", "huber" (delta 1), "cosine" (of the outputs of a sample, seen as one vector), "structure" (the
        squared error of a patch of pixels counts the more, the flatter the patch is; for stacks), or a function of
        (prediction, target), two float32, compiled with `numba.njit`
    shares : weight of each output; none for equal ones. They decide what the loss of a genome is; without `cosine`
        the rows of a genome do not depend on each other, so that each still finds its own minimum

    Raises
    ------
    ConfigError  if the loss is unknown or not compiled, or a weight is not above 0
    """

    loss: str | Callable[..., Any] = "mse"
    shares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.loss not in NAMES and not is_compiled(self.loss):
            raise ConfigError(
                f"the loss must be {', '.join(NAMES)}, my_losses.py:function, or a function compiled with numba.njit; "
                f"got {self.loss!r}."
            )
        if not isinstance(self.loss, str):
            check_loss(self.loss)
        object.__setattr__(self, "shares", tuple(float(share) for share in self.shares))
        if not all(0 < share < np.inf for share in self.shares):
            raise ConfigError(f"the weight of an output must be above 0; got {self.shares}.")

    @property
    def couples(self) -> bool:
        """Whether the loss of an output depends on the others."""
        return self.loss == COSINE

    def check_view(self, view: View) -> None:
        """Raise `ConfigError` unless there are as many weights as outputs, or none, and pixels for `structure`."""
        if self.shares and len(self.shares) != view.outputs:
            raise ConfigError(f"there are {view.outputs} outputs, and output weights for {len(self.shares)} of them.")
        if self.loss == STRUCTURE and view.target_bound is None:
            raise ConfigError(f"the loss {STRUCTURE} weighs patches of pixels; got the {view.name} {view.kind}.")

    def score(self, weights: np.ndarray, biases: np.ndarray, packed: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the mean loss of every genome and row, (pop, out); with `cosine` all rows of a genome have its loss.

        Parameters
        ----------
        weights, biases : (pop, out, in), (pop, out)
        packed : (chunks, in, CHUNK)
        targets : (out, n)
        """
        out = np.empty(biases.shape, np.float32)
        if self.couples:
            score_population_cosine(weights, biases, packed, targets, self._shares(len(targets)), out)
        elif self.loss == STRUCTURE:
            answers = np.empty((*biases.shape, targets.shape[1]), np.float32)
            forward_population(weights, biases, packed, answers)
            out[...] = np.square((answers - targets) * self.roots(targets)).mean(-1)
        else:
            make_score_population(self._function)(weights, biases, packed, targets, out)
        return out

    def roots(self, targets: np.ndarray) -> np.ndarray:
        """Return the square roots of the weights of the samples (n,), of mean 1, for targets (out, n).

        With `structure` a patch of pixels has the weight 1 / (contrast + half the mean contrast), its contrast being
        the variance of each colour over its pixels. Structural similarity divides a window's error by its contrast in
        the same way (Wang et al. 2004, doi:10.1109/TIP.2003.819861).
        """
        if self.loss != STRUCTURE:
            return np.ones(targets.shape[1], np.float32)
        contrast = targets.reshape(-1, COLOURS, targets.shape[1]).var(0, dtype=np.float64).mean(0)
        weights = 1 / (contrast + 0.5 * contrast.mean() + TINY)
        return np.sqrt(weights / weights.mean()).astype(np.float32)

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
        bent = np.empty_like(responses)
        if self.couples:
            shares = self._shares(len(pre))
            sums = np.empty((3, pre.shape[1]), np.float32)
            sum_outputs(pre, targets, shares, *sums)
            step_rows_cosine(pre, targets, shares, *sums, responses, bent, reach, pull, gram, before, steps)
        else:
            make_step_rows(self._function)(pre, targets, responses, bent, reach, pull, gram, before, steps)
        return before, steps

    def total(self, losses: np.ndarray) -> np.ndarray:
        """Return the loss of genomes from the losses of their rows (..., out)."""
        if self.couples or not self.shares:
            return losses.mean(-1)
        return losses @ (np.asarray(self.shares) / np.sum(self.shares))

    def loss_of(self, weights: np.ndarray, biases: np.ndarray, packed: np.ndarray, targets: np.ndarray) -> float:
        """Return the loss of one genome (out, in), (out,); inf where it is not finite."""
        return float(self.total(self.score(weights[None], biases[None], packed, targets)[0].astype(np.float64)))

    @property
    def name(self) -> str:
        """The loss's name, or that of the user's function."""
        return self.loss if isinstance(self.loss, str) else self.loss.__name__

    @cached_property
    def _function(self) -> Callable[..., Any]:
        return LOSSES[self.loss] if isinstance(self.loss, str) else self.loss

    def _shares(self, outputs: int) -> np.ndarray:
        return np.asarray(self.shares or (1,) * outputs, np.float32)


MSE = Objective()
TINY = 1e-12


def is_compiled(loss: Any) -> bool:
    """Whether this is a function that kernels can call."""
    return is_jitted(loss) or bool(numba.config.DISABLE_JIT and callable(loss))  # type: ignore[attr-defined]


def check_loss(loss: Callable[..., Any]) -> None:
    """Try a user's function on two numbers.

    Raises
    ------
    ConfigError  if it does not compile or does not answer with a number
    """
    name = getattr(loss, "__name__", repr(loss))
    try:
        answer = loss(np.float32(0.5), np.float32(0.25))
    # Whatever a user's code or its compilation raises, it is the function that is wrong.
    except Exception as error:
        reason = next((line.strip() for line in str(error).splitlines()[1:] if line.strip()), str(error))
        raise ConfigError(
            f"the loss {name} must be a function of (prediction, target) that numba can compile: {reason}"
        ) from error
    if not isinstance(answer, int | float | np.number):
        raise ConfigError(f"the loss {name} must give a number; it gave {type(answer).__name__}.")


def find_loss(reference: str) -> str | Callable[..., Any]:
    """Return a loss by its name, or the function of a user's file, `my_losses.py:function`, compiled.

    Raises
    ------
    ConfigError  if there is no such file or function, or the file cannot be run
    """
    path, _, name = reference.rpartition(":")
    if reference in NAMES or not path.endswith(".py"):
        return reference
    try:
        spec = importlib.util.spec_from_file_location(Path(path).stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    except (OSError, SyntaxError, ImportError) as error:
        raise ConfigError(f"cannot load the loss {reference}: {error}.") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"{path} has no function {name!r} of (prediction, target).")
    return function if is_jitted(function) else numba.njit(function)
