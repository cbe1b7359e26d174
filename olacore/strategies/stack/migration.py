"""What islands send each other of a stack: its most useful units, which take the place of the least useful.

Those that go are made up for by everything else that is read, as in `selection`. Then those that came join one by one,
the one first that lowers the loss most; mirrored trials of its read-out, an exact parabola for each output, say how it
is read. That is the same whatever its read-out was where it came from, so only the unit itself is sent. If the loss on
the whole block has not fallen in the end, all is undone, and half as many are exchanged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.kernels.products import multiply_rows
from olacore.strategies.base import State
from olacore.strategies.common.readout import TINY
from olacore.strategies.stack.selection import RIDGE, take_out, usefulness
from olacore.strategies.stack.step import Step

# Units that an island sends, and what an exchange changes of a state.
SENT = 8
CHANGED = ("weights", "biases", "readout_weights", "readout_biases", "trust", "last", "overlap", "features")


def most_useful(state: State, count: int) -> np.ndarray:
    """Return the numbers of the most useful units, by the moments that the read-out's axes were found from."""
    units, inputs = len(state["weights"]), state["weights"].shape[2]
    moments = state["moments"]
    of_units = slice(inputs, -1) if len(moments) > units else slice(None)
    with one_blas_thread():
        inverse = np.diag(np.linalg.inv(moments + RIDGE * np.eye(len(moments))))[of_units]
    useful = np.square(state["readout_weights"][:, inputs:], dtype=np.float64).sum(0) / inverse
    return np.sort(np.argsort(useful, kind="stable")[-count:])


def join(state: State, weights: np.ndarray, biases: np.ndarray, step_of: Callable[[], Step]) -> int:
    """Let units (m, in), (m,) take the place of the least useful where that lowers the loss; return how many did.

    Parameters
    ----------
    step_of : makes a step of the state as it is on the block
    """
    step = step_of()
    useful, inverse = usefulness(state, step.features())
    order = np.argsort(useful, kind="stable")
    before = {name: state[name].copy() for name in CHANGED}
    count = min(len(weights), len(order) // 2)
    while count:
        _replace(state, order[:count], inverse, weights, biases, step_of)
        if step_of().loss < step.loss:
            return count
        state |= {name: part.copy() for name, part in before.items()}
        count //= 2
    return 0


def _replace(
    state: State,
    places: np.ndarray,
    inverse: np.ndarray,
    weights: np.ndarray,
    biases: np.ndarray,
    step_of: Callable[[], Step],
) -> None:
    inputs = weights.shape[1]
    take_out(state, places, inverse)
    step = step_of()
    answers, residual = step.answers_of(weights, biases), step.residual
    lengths = np.maximum(np.square(answers).sum(1), np.float32(TINY))
    left = np.ones(len(weights), bool)
    for place in places:
        pull = np.empty((len(residual), len(answers)), np.float32)
        multiply_rows(residual, answers, pull)
        gains = np.square(pull, dtype=np.float64).sum(0) / lengths
        unit = int(np.where(left, gains, -1).argmax())
        left[unit] = False
        column = pull[:, unit] / lengths[unit]
        residual = residual - column[:, None] * answers[unit]
        state["weights"][place, 0], state["biases"][place, 0] = weights[unit], biases[unit]
        state["readout_weights"][:, inputs + place] = column
    state["trust"][places] = 1
    state["last"][places] = 0
    state["overlap"][places], state["overlap"][:, places] = 0, 0
    state["features"] = state["features"][:0]
