"""What the absence of a unit costs on samples that are left out, beside fits without it."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.strategies.wide.seeds import find_centres, overlap, units_at
from olacore.strategies.wide.selection import SHRINKAGE, absence_costs, leading

UNITS, ROWS = 7, 60


def units_and_targets() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Answers (m, n), targets (2, n) and the overlap of units at samples."""
    x = np.random.default_rng(0).standard_normal((ROWS, 4)).astype(np.float32)
    centres = find_centres(x, UNITS, np.random.default_rng(3))
    weights, biases = units_at(centres, 2.0, 4.0)
    answers = 1 + np.tanh(x @ weights.T + biases).T
    targets = np.stack([np.sin(2 * x[:, 0]), x[:, 1] * x[:, 2]])
    about = [part - part.mean(1, keepdims=True) for part in (answers, targets)]
    return about[0].astype(np.float32), about[1].astype(np.float32), overlap(centres, 2.0, 4.0)


def missed_by_fits(answers: np.ndarray, targets: np.ndarray, metric: np.ndarray) -> float:
    """Squared error of ridge regressions in the metric, each at the sample that it did not see."""
    found = 0.0
    for sample in range(ROWS):
        seen, goal = np.delete(answers, sample, 1), np.delete(targets, sample, 1)
        readout = np.linalg.solve(seen @ seen.T + SHRINKAGE * metric, seen @ goal.T)
        found += np.square(targets[:, sample] - readout.T @ answers[:, sample]).sum()
    return found


def test_costs__are_what_fits_without_a_unit_lose_on_samples_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("olacore.strategies.wide.selection.TOGETHER", 25)
    answers, targets, metric = units_and_targets()
    found = absence_costs(answers, targets, metric)
    wide, goal = answers.astype(np.float64), targets.astype(np.float64)
    whole = missed_by_fits(wide, goal, metric)
    for unit in range(UNITS):
        rest = np.delete(np.arange(UNITS), unit)
        without = missed_by_fits(wide[rest], goal, metric[np.ix_(rest, rest)])
        assert found[unit] == pytest.approx(without - whole, rel=2e-3, abs=2e-3)


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
    found = absence_costs(answers.astype(np.float32), targets.astype(np.float32), metric)
    assert found[3] < found[:3].min()


def test_leading__outputs_are_the_fewest_of_most_variance() -> None:
    targets = np.array([[1.0], [3.0], [0.5], [2.0]], np.float32) * np.array([[1.0, -1.0]], np.float32)
    np.testing.assert_array_equal(leading(targets), targets[[1, 3]])
    np.testing.assert_array_equal(leading(targets[:1]), targets[:1])
