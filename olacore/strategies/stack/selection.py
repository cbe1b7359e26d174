"""Selection among the hidden units of a stack: the least useful make room for mutated copies of the most useful.

How useful a unit is, is what the answers change by when it is taken out and the read-out of everything else makes up
for it as well as it can: |v|^2 / (M^-1)_gg, with the moments M of what the read-out reads ("optimal brain surgeon",
Hassibi and Stork 1993, with the read-out's own Hessian). Targets and residual have no part in it.

A unit that is copied moves one way and its copy the other, and each keeps half of what the answers read from the two,
so that they hardly change at first.
"""

from __future__ import annotations

import numpy as np

from olacore.jit.threads import one_blas_thread
from olacore.kernels.products import multiply_rows
from olacore.strategies.base import State

# When, as shares of the generations; which share of the units; and the rows that tell how useful they are.
SELECTIONS, REPLACED, ROWS = (0.22, 0.42, 0.62), 0.2, 4096
# Length of a mutation, as a share of the length of the unit's weights.
MUTATION = 0.2
# Added to the moments, so that what can hardly be told apart is not made up for by huge weights.
RIDGE = 1e-3
TINY = 1e-30


def is_due(generation: int, generations: int) -> bool:
    """Say whether units are selected before this generation."""
    return generation in [int(part * generations) for part in SELECTIONS]


def select(state: State, rows: np.ndarray, draw: np.random.Generator) -> int:
    """Replace the least useful units by mutated copies of the most useful, and return how many.

    Parameters
    ----------
    rows : (in + units + 1, n) float32  what the read-out reads, and its bias
    """
    useful, inverse = usefulness(state, rows)
    order, count = np.argsort(useful, kind="stable"), int(REPLACED * len(useful))
    worst, best = order[:count], order[len(useful) - count :]
    take_out(state, worst, inverse)
    split(state, best, worst, draw)
    return count


def usefulness(state: State, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how useful each unit is, (units,), and the inverse of the moments of `rows`."""
    inputs = state["weights"].shape[2]
    moments = np.empty((len(rows), len(rows)), np.float32)
    multiply_rows(rows, rows, moments)
    with one_blas_thread():
        inverse = np.linalg.inv(moments / np.float64(rows.shape[1]) + RIDGE * np.eye(len(rows)))
    readout = state["readout_weights"][:, inputs:].astype(np.float64)
    return (readout**2).sum(0) / np.diag(inverse)[inputs:-1], inverse


def take_out(state: State, units: np.ndarray, inverse: np.ndarray) -> None:
    """Stop reading some units, and make up for them with everything else that is read."""
    read = state["weights"].shape[2] + units
    with one_blas_thread():
        shares = np.linalg.solve(inverse[np.ix_(read, read)], inverse[read])
        change = state["readout_weights"][:, read].astype(np.float64) @ shares
    state["readout_weights"] -= change[:, :-1].astype(np.float32)
    state["readout_biases"] -= change[:, -1].astype(np.float32)
    state["readout_weights"][:, read] = 0


def split(state: State, parents: np.ndarray, places: np.ndarray, draw: np.random.Generator) -> None:
    """Put mutated copies of units in other places, whatever was there.

    Parameters
    ----------
    parents, places : numbers of units, none of them twice
    """
    units, readout = state["weights"][:, 0], state["readout_weights"]
    inputs = units.shape[1]
    with one_blas_thread():
        steps = draw.standard_normal((len(parents), inputs)).astype(np.float32) @ state["response_axes"]
    lengths = np.linalg.norm(units[parents], axis=1) / np.maximum(np.linalg.norm(steps, axis=1), TINY)
    steps *= (MUTATION * lengths).astype(np.float32)[:, None]
    units[places] = units[parents] + steps
    units[parents] -= steps
    readout[:, inputs + parents] /= 2
    readout[:, inputs + places] = readout[:, inputs + parents]
    for name in ("biases", "age", "last"):
        state[name][places] = state[name][parents]
    state["trust"][places] = 1
    for changed in (parents, places):
        state["overlap"][changed], state["overlap"][:, changed] = 0, 0
    state["features"] = state["features"][:0]
