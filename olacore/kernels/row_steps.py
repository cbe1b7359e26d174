"""Mirrored trials along shared directions, a parabola through their losses, and a step wherever the loss falls.

Changing a row's weights by `t d` changes its pre-activations by `t (X d)`. The response `X d` is computed once for
every row, so a trial costs O(n), whatever the number of inputs. The mirrored trials use the addition theorem,
tanh(h +- m) = (tanh h +- tanh m) / (1 +- tanh h tanh m): all rows share tanh m, and one division serves both signs.
The losses of the two trials and of standing still fix a parabola; its lowest point is the step, which is kept only
where the loss itself, with tanh computed anew, is lower.

A loss is a function of (prediction, target, dot, size, span). Losses of one output ignore the last three, which are
sums over the other outputs for those that couple them, see `cosine`.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import prange

from olacore.jit.flags import device, kernel
from olacore.kernels.cosine import cosine
from olacore.kernels.loss import LARGEST, NOT_A_NUMBER, huber, mae, mse, mse_reference
from olacore.kernels.tanh import tanh32

FURTHEST = np.float32(4)
# Numbers between arrays that a loop reads and those that it writes. LLVM leaves a vector loop for a scalar one, with
# other last bits, where they lie within one vector step of each other; in a block of few samples they would.
APART = 128
ZERO, HALF, ONE, TWO = np.float32(0), np.float32(0.5), np.float32(1), np.float32(2)


@device
def mse_alone(prediction, target, dot, size, span):
    """`mse` in the form that `climb_rows` takes."""
    return mse(prediction, target)


@device
def mae_alone(prediction, target, dot, size, span):
    """`mae` in the form that `climb_rows` takes."""
    return mae(prediction, target)


@device
def huber_alone(prediction, target, dot, size, span):
    """`huber` in the form that `climb_rows` takes."""
    return huber(prediction, target)


@device
def climb_rows(loss, pre, targets, shares, dots, sizes, spans, responses, bent, reach, pull, gram, before, steps):
    """What every `step_rows` does; inlined, so that each is compiled for its loss and kept on disk."""
    out, n = pre.shape
    count = responses.shape[0]
    for d in prange(count):
        line = bent[d]
        for s in range(n):
            line[s] = reach * responses[d, s]
        for s in range(n):
            line[s] = tanh32(line[s])
    for o in prange(out):
        y, part = targets[o], ONE / shares[o]
        room = np.empty((7, n + APART), np.float32)
        h, t, next_h, next_t = room[0, APART:], room[1, APART:], room[2, APART:], room[3, APART:]
        dot, size, span = room[4, APART:], room[5, APART:], room[6, APART:]
        here = ZERO
        for s in range(n):
            h[s] = pre[o, s]
            t[s] = tanh32(h[s])
            # What the other outputs add to the sums of this sample, in units of this one's weight.
            dot[s] = dots[s] * part - t[s] * y[s]
            size[s] = max(sizes[s] * part - t[s] * t[s], ZERO)
            span[s] = spans[s] * part
            value = loss(t[s], y[s], dot[s], size[s], span[s])
            here += value if abs(h[s]) <= LARGEST else NOT_A_NUMBER
        before[o] = here / np.float32(n)
        for d in range(count):
            a, m = responses[d], bent[d]
            # A step x adds 2 x pull + x^2 gram to the shrinkage of this row.
            both, one = reach * reach * gram[d, d], TWO * reach * pull[o, d]
            plus, minus = both + one, both - one
            for s in range(n):
                product = t[s] * m[s]
                inverse = ONE / (ONE - product * product)
                plus += loss((t[s] + m[s]) * (ONE - product) * inverse, y[s], dot[s], size[s], span[s])
                minus += loss((t[s] - m[s]) * (ONE + product) * inverse, y[s], dot[s], size[s], span[s])
            bend = plus + minus - TWO * here
            if bend > ZERO:
                step = HALF * reach * (minus - plus) / bend
                step = min(max(step, -FURTHEST * reach), FURTHEST * reach)
            else:
                step = reach if plus < minus else -reach
            added = step * (TWO * pull[o, d] + step * gram[d, d])
            there = ZERO
            for s in range(n):
                next_h[s] = h[s] + step * a[s]
                next_t[s] = tanh32(next_h[s])
                there += loss(next_t[s], y[s], dot[s], size[s], span[s])
            if there + added < here:
                h, next_h = next_h, h
                t, next_t = next_t, t
                for e in range(count):
                    pull[o, e] += step * gram[d, e]
                here = there
                steps[o, d] = step
            else:
                steps[o, d] = ZERO


@device
def climb_alone(loss, pre, targets, responses, bent, reach, pull, gram, before, steps):
    """`climb_rows` for a loss of one output."""
    nothing, ones = np.zeros(pre.shape[1], np.float32), np.ones(pre.shape[0], np.float32)
    climb_rows(loss, pre, targets, ones, nothing, nothing, nothing, responses, bent, reach, pull, gram, before, steps)


@kernel
def step_rows(pre, targets, responses, bent, reach, pull, gram, before, steps):
    """Step every row along every direction in turn, keeping only what lowers its own squared error and shrinkage.

    Parameters
    ----------
    pre : (out, n)  pre-activations of the parent
    targets : (out, n)  in (-1, 1)
    responses : (directions, n)  pre-activations that one unit of each direction adds
    bent : (directions, n)  written: tanh(reach * responses)
    reach : float32  length of all trials
    pull : (out, directions)  shrinkage * n * (weights . direction), changed on return; zero without shrinkage
    gram : (directions, directions)  shrinkage * n * (direction . direction); zero without shrinkage
    before : (out,)  written: mean loss of the parent
    steps : (out, directions)  written: the steps taken, 0 where none was

    Notes
    -----
    A row whose loss is not finite takes no step: every comparison with NaN is false.
    """
    climb_alone(mse_alone, pre, targets, responses, bent, reach, pull, gram, before, steps)


@kernel
def step_rows_mae(pre, targets, responses, bent, reach, pull, gram, before, steps):
    """`step_rows` for the absolute error."""
    climb_alone(mae_alone, pre, targets, responses, bent, reach, pull, gram, before, steps)


@kernel
def step_rows_huber(pre, targets, responses, bent, reach, pull, gram, before, steps):
    """`step_rows` for the Huber loss with delta 1."""
    climb_alone(huber_alone, pre, targets, responses, bent, reach, pull, gram, before, steps)


@kernel
def step_rows_cosine(pre, targets, shares, dots, sizes, spans, responses, bent, reach, pull, gram, before, steps):
    """`step_rows` for the cosine loss: each row as if the others stood still; the rest as in `sum_outputs`.

    A row's `before` is the loss of all outputs together. Steps of several rows at once have to be judged together.
    """
    climb_rows(cosine, pre, targets, shares, dots, sizes, spans, responses, bent, reach, pull, gram, before, steps)


_KERNELS = {mse: step_rows, mae: step_rows_mae, huber: step_rows_huber}


@functools.cache
def make_step_rows(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel `step_rows` of any loss of (prediction, target), compiled at its first call."""
    if loss in _KERNELS:
        return _KERNELS[loss]

    @device
    def alone(prediction, target, dot, size, span):
        return loss(prediction, target)

    def step_rows_by(pre, targets, responses, bent, reach, pull, gram, before, steps):
        climb_alone(alone, pre, targets, responses, bent, reach, pull, gram, before, steps)

    return kernel(step_rows_by)


def step_rows_reference(
    pre: np.ndarray,
    targets: np.ndarray,
    responses: np.ndarray,
    bent: np.ndarray,
    reach: float,
    pull: np.ndarray,
    gram: np.ndarray,
    before: np.ndarray,
    steps: np.ndarray,
    loss: Callable[..., Any] = mse_reference,
) -> None:
    """NumPy twin of `step_rows`, in float64, with tanh in place of the addition theorem."""
    gram, reach = gram.astype(np.float64), float(reach)
    bent[...] = np.tanh(reach * responses.astype(np.float64))
    for o in range(len(pre)):
        h, y = pre[o].astype(np.float64), targets[o].astype(np.float64)
        pulled = pull[o].astype(np.float64)

        def total(shift: np.ndarray | float, h: np.ndarray = h, y: np.ndarray = y) -> float:
            return float((loss(np.tanh(h + shift), y) + h * 0).sum())

        here = total(0.0)
        before[o] = here / len(y)
        for d, a in enumerate(responses.astype(np.float64)):
            both, one = reach**2 * gram[d, d], 2 * reach * pulled[d]
            plus, minus = total(reach * a) + both + one, total(-reach * a) + both - one
            bend = plus + minus - 2 * here
            if bend > 0:
                step = float(np.clip(0.5 * reach * (minus - plus) / bend, -4 * reach, 4 * reach))
            else:
                step = reach if plus < minus else -reach
            there = total(step * a)
            kept = there + step * (2 * pulled[d] + step * gram[d, d]) < here
            steps[o, d] = step if kept else 0
            if kept:
                h += step * a
                pulled += step * gram[d]
                here = there
        pull[o] = pulled
