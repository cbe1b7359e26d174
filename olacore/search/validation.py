"""How good candidates are on validation samples: in the scale that decides, and in the units of the targets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from olacore.blocks import Block, RawBlock
from olacore.data import Dataset
from olacore.jit.flags import ONE_AT_A_TIME
from olacore.losses.objective import Objective
from olacore.quality.baselines import validation_samples
from olacore.quality.evaluation import parts_of
from olacore.search.task import Progress, Task
from olacore.strategies import Candidate, Strategy
from olacore.views import View
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


@dataclass(frozen=True)
class Samples:
    """Samples as a strategy sees them.

    Parameters
    ----------
    block : inputs, and targets or components of them
    truth : the targets as they are in the data, where the block has components of them; else None
    """

    block: Block
    truth: np.ndarray | None

    @classmethod
    def of(cls, view: View, raw: RawBlock, scaling: Scaling) -> Samples:
        """Cut raw samples."""
        return cls(view.gather(raw, scaling), None if scaling.basis is None else view.gather_truth(raw))

    def targets(self, scaling: Scaling) -> np.ndarray:
        """The targets in their units, (out, n); not to be written."""
        return scaling.restore_targets(self.block.targets.copy()) if self.truth is None else self.truth

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        truth = 0 if self.truth is None else self.truth.nbytes
        return self.block.inputs.nbytes + self.block.targets.nbytes + truth


class Validation:
    """The validation samples of a search: parts of them that have names count alike, whatever their sizes."""

    def __init__(self, task: Task, scaling: Scaling) -> None:
        self.objective = task.objective
        self.scaling, self.bound = scaling, task.view.bound
        raw = validation_samples(task.dataset, task.view, task.items["validation"], task.config.seed)
        self.parts = [Samples.of(task.view, part, scaling) for part in parts_of_block(task.dataset, raw)]
        targets = np.hstack([part.targets(scaling) for part in self.parts])
        self.variance = float(np.square(targets - targets.mean(1, keepdims=True, dtype=np.float64)).sum())

    @property
    def nbytes(self) -> int:
        """Bytes that they take."""
        return sum(part.nbytes for part in self.parts)

    def loss_of(self, strategy: Strategy, candidate: Candidate) -> float:
        """Return the loss by which candidates are compared, in the scale that the strategy says."""
        if strategy.compares_shown:
            return self.shown(strategy, candidate).loss
        with ONE_AT_A_TIME:
            losses = [strategy.loss_of(candidate, part.block, self.objective) for part in self.parts]
        return float(np.mean(losses))

    def shown(self, strategy: Strategy, candidate: Candidate) -> Shown:
        """Return loss and R2 in the units of the targets."""
        found = [shown_on(part, strategy, candidate, self.scaling, self.bound, self.objective) for part in self.parts]
        losses, errors = zip(*found, strict=True)
        error = sum(errors)
        r2 = 1 - error / max(self.variance, TINY) if np.isfinite(error) else -np.inf
        return Shown(float(np.mean(losses)), r2)


def parts_of_block(dataset: Dataset, raw: RawBlock) -> list[RawBlock]:
    """Validation samples by the names of their parts; all of them where there is but one."""
    items = raw.indices[raw.item]
    parts = parts_of(dataset, np.unique(items), "validation")
    taken = [np.flatnonzero(np.isin(items, part)) for part in parts.values()] if len(parts) > 1 else []
    return [replace(raw, item=raw.item[which], site=raw.site[which]) for which in taken] or [raw]


def shown_on(
    samples: Samples,
    strategy: Strategy,
    candidate: Candidate,
    scaling: Scaling,
    bound: float | None,
    objective: Objective,
) -> tuple[float, float]:
    """Return the loss of a candidate on samples, and its squared error, in the units of the targets.

    Parameters
    ----------
    bound : answers are clipped to it, as pixels are
    """
    with ONE_AT_A_TIME:
        answers = scaling.restore_targets(strategy.answer(candidate, samples.block))
    if bound is not None:
        np.clip(answers, -bound, bound, out=answers)
    targets = samples.targets(scaling)
    loss = objective.measure(answers, targets)
    answers -= targets
    return loss, float(np.square(answers, out=answers).sum(dtype=np.float64))


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
