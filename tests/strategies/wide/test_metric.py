"""The metric of slopes: what it is, that it carries to unseen pairs of properties, and that the samples choose it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from olacore.blocks import Block, rows_of
from olacore.kernels.layout import empty_packed, pack_rows
from olacore.losses.objective import MSE
from olacore.strategies import Candidate, Problem, State, Wide
from olacore.strategies.wide.metric import root_of, slope_moments
from tests.support.makers import JIT
from tests.support.searches import copy_of

WIDE = Wide(units=256, width=0.5, metric=2, axes=64)
COLOURS, SHAPES, LONG, LIKE = 7, 7, 12, 2.0
GENERATIONS = 5


def things(held: bool, seed: int) -> Block:
    """A colour's vector and a shape's, and what both together show: each of three lamps of the shape in the colour.

    Every colour is a mixture of three. Some pairs of a colour and a shape are held out, no colour or shape is.
    """
    fixed, rng = np.random.default_rng(5), np.random.default_rng(seed)
    names = [fixed.standard_normal((kinds, LONG)) / np.sqrt(LONG) for kinds in (COLOURS, SHAPES)]
    mixtures, masks = fixed.uniform(0, 0.2, (COLOURS, 3)), fixed.standard_normal((SHAPES, 8))
    colours, shapes = (part.ravel() for part in np.mgrid[:COLOURS, :SHAPES])
    unseen = (colours + 2 * shapes) % COLOURS == 3
    taken = np.repeat(np.flatnonzero(unseen == held), 6)
    x = np.hstack([names[0][colours[taken]], names[1][shapes[taken]]])
    x += 0.02 * rng.standard_normal(x.shape)
    targets = mixtures[colours[taken], :, None] * masks[shapes[taken], None]
    packed = empty_packed(*x.shape)
    pack_rows(np.asarray(x * LIKE, np.float32), packed)
    return Block(packed, np.ascontiguousarray(targets.reshape(len(x), -1).T, np.float32))


def problem(block: Block) -> Problem:
    return Problem(2 * LONG, 24, 4, 0, rows_of(block)[0], GENERATIONS)


def left(strategy: Wide, candidate: Candidate, block: Block) -> float:
    """Share of the variance about the mean of the targets that is left."""
    spread = float(np.square(block.targets - block.targets.mean(1, keepdims=True)).mean())
    return strategy.loss_of(candidate, block, MSE) / spread


def search(strategy: Wide, block: Block, state: State | None = None, first: int = 0, last: int = GENERATIONS) -> State:
    judges = things(True, 1)
    state = strategy.start(problem(block)) if state is None else state
    for generation in range(first, last):
        strategy.advance(state, block, 0, generation)
        strategy.between(state, generation + 1, 0, lambda: 0.0, lambda found: left(strategy, found, judges))
    return state


@pytest.fixture(scope="module")
def block() -> Block:
    return things(False, 0)


def test_slope_moments__are_those_of_differences_of_answers() -> None:
    rng = np.random.default_rng(0)
    weights, biases = 0.3 * rng.standard_normal((6, 4)), 0.3 * rng.standard_normal(6)
    of_units, of_inputs, x = rng.standard_normal((3, 6)), rng.standard_normal((3, 4)), rng.standard_normal((50, 4))

    def answer(x: np.ndarray) -> np.ndarray:
        return np.tanh(x @ weights.T + biases) @ of_units.T + x @ of_inputs.T

    step = 1e-4 * np.eye(4)
    slopes = np.array([(answer(x + one) - answer(x - one)) / 2e-4 for one in step])
    active = 1 + np.tanh(weights @ x.T + biases[:, None])
    moments = slope_moments(weights, active.astype(np.float32), of_units, of_inputs)
    # Activities are float32.
    np.testing.assert_allclose(moments, np.einsum("inj,knj->ik", slopes, slopes) / 50, rtol=1e-5, atol=1e-5)


def test_root_of__leaves_the_inputs_as_large_as_they_are() -> None:
    rng = np.random.default_rng(0)
    half, x = rng.standard_normal((5, 5)), rng.standard_normal((40, 5))
    root = root_of(half @ half.T, x, 7.0)
    np.testing.assert_allclose(np.square(x @ root).sum(1).mean(), 7.0, rtol=1e-5)
    ratio = (root @ root.T) / (half @ half.T)
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-3)


def test_root_of__answers_without_slopes_leave_the_metric_round() -> None:
    np.testing.assert_array_equal(root_of(np.zeros((3, 3)), np.ones((4, 3)), 3.0), np.eye(3))


def test_wide__the_metric_of_slopes_carries_to_pairs_that_no_sample_has(block: Block) -> None:
    unseen = things(True, 2)
    found = {
        metric: left(strategy, strategy.best(search(strategy, block)), unseen)
        for metric, strategy in ((metric, replace(WIDE, metric=metric)) for metric in (0, 2))
    }
    assert found[2] < 0.5 * found[0]


@pytest.mark.parametrize("first", [1, 2, 3])
def test_wide__equal_states_go_on_equally_whenever_units_are_born_anew(block: Block, first: int) -> None:
    whole = search(WIDE, block)
    half = copy_of(search(WIDE, block, last=first))
    again = search(WIDE, block, half, first)
    for name, array in whole.items():
        np.testing.assert_array_equal(again[name], array, strict=True)


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
def test_tuned__the_metric_is_chosen_where_it_is_worth_it_and_not_where_it_is_not(block: Block) -> None:
    strategy, judges = replace(WIDE, width=0.0, metric=-1), things(True, 1)
    tuned = strategy.tuned(problem(block), block, MSE, lambda found: left(strategy, found, judges), ())
    assert tuned.chosen == {"width": tuned.width, "metric": 2}
    shuffled = Block(
        block.inputs, np.ascontiguousarray(block.targets[:, np.random.default_rng(0).permutation(block.rows)])
    )
    tuned = strategy.tuned(problem(shuffled), shuffled, MSE, lambda found: left(strategy, found, judges), ())
    assert tuned.metric == 0
