"""How good candidates are on validation samples: in the scale that decides, and in the units of the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from olacore.blocks import Block
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.losses.objective import Objective
from olacore.quality.baselines import validation_block
from olacore.search.task import Progress, Task
from olacore.strategies import Candidate, Strategy
from olacore.views.scaling import Scaling

# A validation loss has to fall by this share to count as better, or noise would keep a search from freezing.
BETTER = 1e-4
TINY = 1e-12


@dataclass(frozen=True)
class Shown:
    """What a candidate is worth in the units of the targets.

    Parameters
    ----------
    loss : of the search's objective
    r2 : share of the targets' variance, about their mean in these very samples, that is explained
    """

    loss: float
    r2: float


class Validation:
    """The validation samples of a search."""

    def __init__(self, task: Task, scaling: Scaling) -> None:
        self.objective = task.objective
        self.scaling, self.bound = scaling, task.view.bound
        self.block: Block = validation_block(
            task.dataset, task.view, scaling, task.items["validation"], task.config.seed
        )
        targets = scaling.restore_targets(self.block.targets.copy())
        self.variance = float(np.square(targets - targets.mean(1, keepdims=True, dtype=np.float64)).sum())

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return self.block.inputs.nbytes + self.block.targets.nbytes

    def loss_of(self, strategy: Strategy, candidate: Candidate) -> float:
        """Return the loss by which candidates are compared, in the scale that the strategy says."""
        if strategy.compares_shown:
            return self.shown(strategy, candidate).loss
        with ONE_AT_A_TIME:
            return strategy.loss_of(candidate, self.block, self.objective)

    def shown(self, strategy: Strategy, candidate: Candidate) -> Shown:
        """Return loss and R2 in the units of the targets."""
        return shown_on(self.block, strategy, candidate, self.scaling, self.bound, self.objective, self.variance)


def shown_on(
    block: Block,
    strategy: Strategy,
    candidate: Candidate,
    scaling: Scaling,
    bound: float | None,
    objective: Objective,
    variance: float | None = None,
) -> Shown:
    """Return loss and R2 of a candidate on a block in the units of the targets.

    Parameters
    ----------
    bound : answers are clipped to it, as pixels are
    variance : of all targets about their means; None to leave R2 out, as NaN
    """
    with ONE_AT_A_TIME:
        answers = scaling.restore_targets(strategy.answer(candidate, block))
    if bound is not None:
        np.clip(answers, -bound, bound, out=answers)
    targets = scaling.restore_targets(block.targets.copy())
    loss = objective.measure(answers, targets)
    if variance is None:
        return Shown(loss, float("nan"))
    answers -= targets
    error = float(np.square(answers, out=answers).sum(dtype=np.float64))
    return Shown(loss, 1 - error / max(variance, TINY) if np.isfinite(error) else -np.inf)


def take(progress: Progress, validation: Validation) -> tuple[Shown, bool]:
    """Score the candidate of now, keep it if it is the best so far, and say what it is worth and whether it is."""
    candidate = progress.strategy.best(progress.state)
    loss = validation.loss_of(progress.strategy, candidate)
    shown = validation.shown(progress.strategy, candidate)
    progress.stale = 0 if loss < progress.best_loss * (1 - BETTER) else progress.stale + 1
    improved = loss < progress.best_loss * (1 + progress.strategy.alike)
    if improved:
        progress.best_loss, progress.best = min(loss, progress.best_loss), candidate.copy()
        progress.shown_loss, progress.shown_r2 = shown.loss, shown.r2
    return shown, improved


def finite_or_none(value: Any) -> Any:
    """Return what JSON can hold."""
    return float(value) if np.isfinite(value) else None
