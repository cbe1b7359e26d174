"""Hidden units tried one by one: what the loss becomes when one unit's weights move and nothing else does.

With answers y = W x + V t, t = tanh(u), and residual E = target - y, a change d of one unit's activity changes the
squared error by exactly |v|^2 sum(d^2) - 2 sum(d (E v)), v being the unit's column of V. After one product E v, its
`pull`, each trial costs O(n), whatever the number of outputs. The mirrored trials u +- m use the addition theorem of
tanh: with a = tanh m, p = t a and q = a (1 - t^2) / (1 - p^2), their changes are q (1 - p) and -q (1 + p).

Samples may count differently: `roots` are the square roots of their weights, and `pull` holds one factor of them.
"""

import numpy as np
from numba import prange

from olacore.jit.flags import kernel
from olacore.kernels.tanh import tanh32

ZERO, ONE, TWO, FOUR = np.float32(0), np.float32(1), np.float32(2), np.float32(4)
# Where unit and trial both saturate, the trial changes nothing: 0 over this, not NaN.
TINY = np.float32(1e-12)
# See `olacore.kernels.row_steps`: arrays that a loop writes stay this far from those that it reads.
APART = 128


@kernel
def score_units(active, pull, sizes, turns, roots, fall, bend):
    """Losses of two mirrored trials of every unit along every direction, as their difference and their bend.

    Parameters
    ----------
    active : (units, n)  activities t
    pull : (units, n)  E v, times `roots`
    sizes : (units,)  |v|^2
    turns : (directions, n)  tanh of the responses to a trial, which all units share
    roots : (n,)  square roots of the samples' weights
    fall : (units, directions)  written: loss of the minus trial less that of the plus trial
    bend : (units, directions)  written: both losses less twice the loss of standing still
    """
    n, count = active.shape[1], turns.shape[0]
    for g in prange(active.shape[0]):
        t, e, size = active[g], pull[g], sizes[g]
        space = np.empty(n + 2 * APART, np.float32)
        room = space[APART : APART + n]
        for s in range(n):
            room[s] = (ONE - t[s] * t[s]) * roots[s]
        for k in range(count):
            a = turns[k]
            pulled, pulled_p, cross, square = ZERO, ZERO, ZERO, ZERO
            for s in range(n):
                p = t[s] * a[s]
                q = a[s] * room[s] / max(ONE - p * p, TINY)
                qp = q * p
                pulled += q * e[s]
                pulled_p += qp * e[s]
                cross += q * qp
                square += q * q + qp * qp
            fall[g, k] = FOUR * (size * cross + pulled)
            bend[g, k] = TWO * size * square + FOUR * pulled_p


def score_units_reference(
    active: np.ndarray,
    pull: np.ndarray,
    sizes: np.ndarray,
    turns: np.ndarray,
    roots: np.ndarray,
    fall: np.ndarray,
    bend: np.ndarray,
) -> None:
    """NumPy twin of `score_units`, in float64, each trial by itself."""
    t, e = active.astype(np.float64), pull.astype(np.float64)
    for k, a in enumerate(turns.astype(np.float64)):
        losses = []
        for turn in (a, -a):
            change = ((t + turn) / (1 + t * turn) - t) * roots
            losses.append(sizes * (change**2).sum(1) - 2 * (change * e).sum(1))
        fall[:, k], bend[:, k] = losses[1] - losses[0], losses[0] + losses[1]


@kernel
def change_units(pre, active, pull, sizes, roots, moved, change, losses):
    """Activities after a change of the pre-activations, and what each unit's change alone does to the loss.

    Parameters
    ----------
    pre, active : (units, n)  pre-activations and activities before
    pull, sizes, roots : as in `score_units`
    moved : (units, n)  change of the pre-activations
    change : (units, n)  written: change of the activities, times `roots`
    losses : (units,)  written: change of the block's loss
    """
    n = pre.shape[1]
    for g in prange(pre.shape[0]):
        h, t, m, e, d = pre[g], active[g], moved[g], pull[g], change[g]
        square, pulled = ZERO, ZERO
        for s in range(n):
            d[s] = (tanh32(h[s] + m[s]) - t[s]) * roots[s]
        for s in range(n):
            square += d[s] * d[s]
            pulled += d[s] * e[s]
        losses[g] = sizes[g] * square - TWO * pulled


def change_units_reference(
    pre: np.ndarray,
    active: np.ndarray,
    pull: np.ndarray,
    sizes: np.ndarray,
    roots: np.ndarray,
    moved: np.ndarray,
    change: np.ndarray,
    losses: np.ndarray,
) -> None:
    """NumPy twin of `change_units`, in float64."""
    change[:] = (np.tanh(pre.astype(np.float64) + moved) - active) * roots
    losses[:] = sizes * (change.astype(np.float64) ** 2).sum(1) - 2 * (change * pull.astype(np.float64)).sum(1)
