"""What the absence of a unit costs on samples that it did not see, beside fits without it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from olacore.strategies.wide.readout import sweep
from olacore.strategies.wide.seeds import find_centres, overlap, units_at, whitening
from olacore.strategies.wide.selection import CUTS, FOLDS, SHRINKAGE, absence_costs, leading

UNITS, ROWS = 7, 60


def draw() -> np.random.Generator:
    return np.random.default_rng(3)


def units_and_targets() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers (m, n), targets (2, n) and the overlap of units at samples."""
    x = np.random.default_rng(0).standard_normal((ROWS, 4)).astype(np.float32)
    centres = find_centres(x, UNITS, draw())
    weights, biases = units_at(centres, 2.0, 4.0)
    answers = 1 + np.tanh(x @ weights.T + biases).T
    targets = np.stack([np.sin(2 * x[:, 0]), x[:, 1] * x[:, 2]])
    about = [part - part.mean(1, keepdims=True) for part in (answers, targets)]
    return about[0].astype(np.float32), about[1].astype(np.float32), overlap(centres, 2.0, 4.0)


def fit(answers: np.ndarray, targets: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """Ridge regression in the metric, (out, m)."""
    return np.linalg.solve(answers @ answers.T + SHRINKAGE * metric, answers @ targets.T).T


def test_costs__are_what_fits_without_a_unit_lose_on_the_other_fold() -> None:
    answers, targets, metric = units_and_targets()
    found = absence_costs(answers, targets, metric, whitening(metric), 1000, draw())
    wide, goal = answers.astype(np.float64), targets.astype(np.float64)
    expected = np.zeros(UNITS)
    for fold, number in product(draw().integers(0, FOLDS, (CUTS, ROWS)), range(FOLDS)):
        seen, unseen = fold != number, fold == number
        whole = np.square(goal[:, unseen] - fit(wide[:, seen], goal[:, seen], metric) @ wide[:, unseen]).sum()
        for unit in range(UNITS):
            rest = np.delete(np.arange(UNITS), unit)
            without = fit(wide[rest][:, seen], goal[:, seen], metric[np.ix_(rest, rest)])
            expected[unit] += np.square(goal[:, unseen] - without @ wide[rest][:, unseen]).sum() - whole
    np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-3)


def test_costs__of_units_that_help_nobody_else_are_below_those_of_a_family() -> None:
    # Three groups of samples with a target of their own each, and an odd one out.
    rng = np.random.default_rng(0)
    middles = 3 * np.eye(4)
    family = np.repeat([0, 1, 2], 20)
    x = np.vstack([middles[family] + 0.1 * rng.standard_normal((60, 4)), [middles[3]]]).astype(np.float32)
    weights, biases = units_at(middles.astype(np.float32), 4.0, 9.0)
    answers = (1 + np.tanh(x @ weights.T + biases).T).astype(np.float32)
    targets = np.append(np.array([-3.0, 3, -2])[family], 5)[None]
    answers, targets = (part - part.mean(1, keepdims=True, dtype=np.float64) for part in (answers, targets))
    metric = overlap(middles.astype(np.float32), 4.0, 9.0)
    found = absence_costs(
        answers.astype(np.float32), targets.astype(np.float32), metric, whitening(metric), 1000, draw()
    )
    assert found[3] < found[:3].min()


def test_leading__outputs_are_the_fewest_of_most_variance() -> None:
    targets = np.array([[1.0], [3.0], [0.5], [2.0]], np.float32) * np.array([[1.0, -1.0]], np.float32)
    np.testing.assert_array_equal(leading(targets), targets[[1, 3]])
    np.testing.assert_array_equal(leading(targets[:1]), targets[:1])


@pytest.mark.parametrize("axes", [1, 3, 100])
def test_sweep__lowers_every_loss_and_keeps_residuals_exact(axes: int) -> None:
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((6, ROWS)).astype(np.float32)
    targets = rng.standard_normal((2, ROWS)).astype(np.float32)
    readouts, residuals = [np.zeros((2, 6), np.float32) for _ in range(2)], [targets.copy() for _ in range(2)]
    before = np.full(2, np.inf)
    for _ in range(3):
        sweep(readouts, residuals, responses, [0.1, 50.0], rng.permutation(6), axes)
        losses = []
        for readout, residual, shrinkage in zip(readouts, residuals, [0.1, 50.0], strict=True):
            np.testing.assert_allclose(residual, targets - readout @ responses, atol=1e-4)
            losses.append(float(np.square(residual).sum() + shrinkage * np.square(readout).sum()))
        assert (np.array(losses) <= before * (1 + 1e-5)).all()
        before = np.array(losses)
    assert np.abs(readouts[1]).max() < np.abs(readouts[0]).max()
