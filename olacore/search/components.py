"""Principal components of the targets: many targets that go together cost what their components do.

A search finds them on the training samples, works with as many as hold nearly all of the targets' variance, and the
module carries them: its answers are targets again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from olacore.views.scaling import TARGET_MARGIN, TINY, Scaling

# Share of the targets' variance that a search keeps by itself, and from which to which it keeps what there is room for
# beside all units: units of few samples are worth more than the last components.
KEPT, LESS, MORE = 0.975, 0.95, 0.995
# Components that it works with by itself, at most, as a share of the targets: more would gain no time.
WORTH = 0.5


@dataclass(frozen=True)
class Components:
    """Principal components of a sample of targets.

    Parameters
    ----------
    basis : (m, targets) float64 orthonormal rows, by falling variance
    kept : (m,) share of the variance that the first so many hold
    """

    basis: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, targets: np.ndarray, mean: np.ndarray) -> Components:
        """Find those of targets (n, out) about their mean: at most n, and none of no variance."""
        apart = targets.astype(np.float64) - mean
        count, outputs = apart.shape
        with threadpool_limits(1, user_api="blas"):
            if count < outputs:  # the smaller of two problems of the same answer
                values, vectors = np.linalg.eigh(apart @ apart.T)
                found = vectors.T @ apart
            else:
                values, vectors = np.linalg.eigh(apart.T @ apart)
                found = vectors.T
        order = np.flatnonzero(values > max(float(values.max()), 0) * 1e-12)[::-1]
        if not len(order):
            return cls(np.eye(1, outputs), np.ones(1))
        found = found[order] / np.linalg.norm(found[order], axis=1, keepdims=True)
        # Which of two opposite directions an eigenvector has is an accident of the library.
        found *= np.sign(found[np.arange(len(found)), np.abs(found).argmax(1)])[:, None]
        variance = values[order]
        return cls(found, np.cumsum(variance) / variance.sum())

    def enough(self, outputs: int, room_for: Callable[[int], bool] | None) -> int | None:
        """How many a search works with by itself; None where targets as they are cost no more.

        Parameters
        ----------
        outputs : targets
        room_for : whether a file of the size that was asked for holds all units beside so many components; None where
            no size was asked for
        """
        less, enough, most = (int(np.searchsorted(self.kept, share)) + 1 for share in (LESS, KEPT, MORE))
        if enough > WORTH * outputs:
            return None
        if room_for is None:
            return enough
        fitting = [count for count in range(less, min(most, len(self.basis)) + 1) if room_for(count)]
        return max(fitting, default=enough)


def with_basis(scaling: Scaling, targets: np.ndarray, basis: np.ndarray) -> Scaling:
    """Return a scaling whose answers are components of targets, all on one scale, so that none counts for more.

    Parameters
    ----------
    scaling : of the targets as they are
    targets : (n, out) that it was measured on
    basis : (m, out) as a module will hold it
    """
    with threadpool_limits(1, user_api="blas"):
        reach = float(np.abs((targets - scaling.target_mean) @ basis.T).max()) * float(TARGET_MARGIN)
    scale = np.full(len(basis), reach if reach >= TINY else 1.0, np.float32)
    return replace(scaling, target_scale=scale, basis=np.ascontiguousarray(basis, np.float32))
