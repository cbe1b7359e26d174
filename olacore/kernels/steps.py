"""Mirrored trials along shared directions, a parabola through their losses, and a step wherever the loss falls.

Changing a row's weights by `s d` changes its pre-activations by `s (X d)`. The response `X d` is computed once for
every row, so a trial costs O(n), whatever the number of inputs. The losses of the two mirrored trials and of standing
still fix a parabola, and its lowest point is the step.
"""

import numba
import numpy as np

from olacore.jit import kernel
from olacore.kernels.tanh import tanh32

FURTHEST = np.float32(4)
SMALLEST = np.float32(1e-3)


@kernel
def step_rows(
    pre: np.ndarray,
    targets: np.ndarray,
    responses: np.ndarray,
    reach: np.ndarray,
    pull: np.ndarray,
    gram: np.ndarray,
    before: np.ndarray,
    steps: np.ndarray,
) -> None:
    """Step every row along every direction in turn, keeping only what lowers its own squared error and shrinkage.

    Parameters
    ----------
    pre : (out, n)  pre-activations of the parent; those of the child on return
    targets : (out, n)  in (-1, 1)
    responses : (directions, n)  pre-activations that one unit of each direction adds
    reach : (out,)  length of each row's trials; adapted on return
    pull : (out, directions)  shrinkage * n * (weights . direction), changed on return; zero without shrinkage
    gram : (directions, directions)  shrinkage * n * (direction . direction); zero without shrinkage
    before : (out,)  written: mean squared error of the parent
    steps : (out, directions)  written: the steps taken, 0 where none was

    Notes
    -----
    A row whose loss is not finite takes no step: every comparison with NaN is false.
    """
    out, n = pre.shape
    count = responses.shape[0]
    for o in numba.prange(out):
        h, y = pre[o], targets[o]
        here = np.float32(0)
        for s in range(n):
            error = tanh32(h[s]) - y[s]
            here += error * error
        before[o] = here / np.float32(n)
        length = reach[o]
        for d in range(count):
            a = responses[d]
            # A step t adds 2 t pull + t^2 gram to the shrinkage of this row.
            both, one = length * length * gram[d, d], np.float32(2) * length * pull[o, d]
            plus, minus = both + one, both - one
            for s in range(n):
                move = length * a[s]
                error = tanh32(h[s] + move) - y[s]
                plus += error * error
                error = tanh32(h[s] - move) - y[s]
                minus += error * error
            bend = plus + minus - np.float32(2) * here
            if bend > np.float32(0):
                step = np.float32(0.5) * length * (minus - plus) / bend
                step = min(max(step, -FURTHEST * length), FURTHEST * length)
            else:
                step = length if plus < minus else -length
            added = step * (np.float32(2) * pull[o, d] + step * gram[d, d])
            there = np.float32(0)
            for s in range(n):
                error = tanh32(h[s] + step * a[s]) - y[s]
                there += error * error
            if there + added < here:
                for s in range(n):
                    h[s] += step * a[s]
                for e in range(count):
                    pull[o, e] += step * gram[d, e]
                here = there
                steps[o, d] = step
                length = np.float32(0.7) * length + np.float32(0.3) * abs(step)
            else:
                steps[o, d] = np.float32(0)
                length *= np.float32(0.8)
            length = max(length, SMALLEST)
        reach[o] = length


def step_rows_reference(
    pre: np.ndarray,
    targets: np.ndarray,
    responses: np.ndarray,
    reach: np.ndarray,
    pull: np.ndarray,
    gram: np.ndarray,
    before: np.ndarray,
    steps: np.ndarray,
) -> None:
    """NumPy twin of `step_rows`, in float64."""
    gram = gram.astype(np.float64)
    for o in range(len(pre)):
        h, y, length = pre[o].astype(np.float64), targets[o].astype(np.float64), float(reach[o])
        pulled = pull[o].astype(np.float64)

        def loss(shift: np.ndarray | float, h: np.ndarray = h, y: np.ndarray = y) -> float:
            return float(((np.tanh(h + shift) - y) ** 2).sum())

        here = loss(0.0)
        before[o] = here / len(y)
        for d, a in enumerate(responses.astype(np.float64)):
            both, one = length**2 * gram[d, d], 2 * length * pulled[d]
            plus, minus = loss(length * a) + both + one, loss(-length * a) + both - one
            bend = plus + minus - 2 * here
            if bend > 0:
                step = float(np.clip(0.5 * length * (minus - plus) / bend, -4 * length, 4 * length))
            else:
                step = length if plus < minus else -length
            there = loss(step * a)
            kept = there + step * (2 * pulled[d] + step * gram[d, d]) < here
            steps[o, d] = step if kept else 0
            if kept:
                h += step * a
                pulled += step * gram[d]
                here = there
            length = max(0.7 * length + 0.3 * abs(step) if kept else 0.8 * length, 1e-3)
        pre[o], reach[o], pull[o] = h, length, pulled
