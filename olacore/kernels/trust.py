"""Trust of every genome: evidence, between 0 and 1, that its changes help."""

import numpy as np
from numba import prange

from olacore.jit.flags import kernel

ZERO, ONE = np.float32(0), np.float32(1)


@kernel
def update_trust(trust, loss, previous, up, down, epsilon, out):
    """Raise trust where the loss fell, lower it where the loss rose.

    Parameters
    ----------
    trust : (pop,)  in [0, 1]
    loss, previous : (pop,)  losses to compare; a NaN changes nothing
    up, down : float32  what is added and subtracted
    epsilon : float32  a smaller difference changes nothing
    out : (pop,)  written, in [0, 1]; may be `trust` itself
    """
    for p in prange(trust.size):
        change = ZERO
        if loss[p] < previous[p] - epsilon:
            change = up
        elif loss[p] > previous[p] + epsilon:
            change = -down
        out[p] = min(max(trust[p] + change, ZERO), ONE)


def update_trust_reference(
    trust: np.ndarray,
    loss: np.ndarray,
    previous: np.ndarray,
    up: float,
    down: float,
    epsilon: float,
    out: np.ndarray,
) -> None:
    """NumPy twin of `update_trust`."""
    better, worse = loss < previous - epsilon, loss > previous + epsilon
    out[:] = np.clip(trust + np.where(better, up, np.where(worse, -down, 0)), 0, 1)
