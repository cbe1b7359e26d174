"""Which shrinkage takes the place of the least trusted one: where the losses tell it, or else a mutation."""

from __future__ import annotations

import numpy as np

from olacore.strategies.wide.width import lowest

# A shrinkage less than this factor from another tells nothing new.
NEAR = 1.2


def another(
    shrinkages: np.ndarray, losses: np.ndarray, worst: int, mutation: float, draw: np.random.Generator
) -> float:
    """Return where a parabola through the losses is lowest, or a mutation of the best if that is near another one.

    Parameters
    ----------
    shrinkages, losses : (n,) float64
    worst : the place of the one that goes
    mutation : by how much the logarithm of a shrinkage changes at most
    """
    others = np.log(np.delete(shrinkages, worst))
    aim = np.log(lowest(dict(zip(shrinkages.tolist(), losses.tolist(), strict=True))))
    if np.abs(aim - others).min() < np.log(NEAR):
        # Away from the shrinkages that there are.
        mutants = np.log(shrinkages[losses.argmin()]) + mutation * draw.uniform(-1, 1, 8)
        aim = mutants[np.abs(mutants[:, None] - others).min(1).argmax()]
    return float(np.exp(aim))
