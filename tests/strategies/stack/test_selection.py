"""Selection among hidden units: who goes, who is copied, and that answers hardly notice."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.losses.objective import MSE
from olacore.strategies.common.axes import random_numbers
from olacore.strategies.stack.far import roots_of_far
from olacore.strategies.stack.selection import REPLACED, SELECTIONS, is_due, select, split, take_out, usefulness
from olacore.strategies.stack.step import Step
from olacore.strategies.stack.strategy import units_in
from tests.support.searches import SMALL, answers, copy_of, waves
from tests.support.searches import search_waves as search

INPUTS = 3


@pytest.fixture(scope="module")
def grown():
    """A stack of 16 units in the middle of its search; tests copy it."""
    return search(SMALL, 16)


def rows_of_step(state, block):
    return Step(SMALL, state, block, 0, MSE).features()


def test_features__are_what_the_readout_reads_and_its_bias(grown):
    block = waves(5, 256)
    wide = np.hstack([grown["readout_weights"], grown["readout_biases"][:, None]])
    answered = answers(grown, block) * roots_of_far(block)
    np.testing.assert_allclose(wide @ rows_of_step(grown, block), answered, atol=1e-5)


def test_usefulness__is_what_the_answers_change_by_when_a_unit_goes(grown):
    """The rest is refitted to the old answers by least squares, with the same ridge."""
    rows, units = rows_of_step(grown, waves(5, 256)), units_in(grown)
    useful, inverse = usefulness(grown, rows)
    readout = np.hstack([grown["readout_weights"], grown["readout_biases"][:, None]]).astype(np.float64)
    # Moments with the ridge are those of these rows, one more for each feature.
    count = rows.shape[1]
    wide = np.hstack([rows.astype(np.float64), np.sqrt(count * 1e-3) * np.eye(len(rows))])
    old = readout @ wide
    for unit in range(units):
        rest = np.delete(wide, INPUTS + unit, 0)
        fit = np.linalg.lstsq(rest.T, old.T, rcond=None)[0].T
        assert useful[unit] == pytest.approx(((fit @ rest - old) ** 2).sum() / count, rel=1e-2)
    assert inverse.shape == (len(rows), len(rows))


def test_usefulness__a_unit_that_others_repeat_or_nobody_reads_is_useless(grown):
    state = copy_of(grown)
    state["weights"][1], state["biases"][1] = state["weights"][0], state["biases"][0]
    state["readout_weights"][:, INPUTS + 2] = 0
    useful, _ = usefulness(state, rows_of_step(state, waves(5, 256)))
    assert useful[2] == 0
    assert useful[1] < 0.1 * (state["readout_weights"][:, INPUTS + 1] ** 2).sum()


def test_take_out__the_rest_makes_up_for_what_it_can(grown):
    state, block = copy_of(grown), waves(5, 256)
    useful, inverse = usefulness(state, rows_of_step(state, block))
    gone = np.argsort(useful)[:3]
    before, naive = answers(state, block), copy_of(state)
    take_out(state, gone, inverse)
    naive["readout_weights"][:, INPUTS + gone] = 0
    np.testing.assert_array_equal(state["readout_weights"][:, INPUTS + gone], 0)
    lost, left = (np.square(answers(made, block) - before).mean() for made in (state, naive))
    assert lost < 0.5 * left


def test_split__copies_and_parents_answer_as_the_parents_did(grown):
    state, block = copy_of(grown), waves(5, 256)
    places, parents = np.array([3, 7]), np.array([5, 0])
    state["readout_weights"][:, INPUTS + places] = 0
    before = answers(state, block)
    split(state, parents, places, random_numbers(0, 1, 4))
    hidden, old = state["weights"][:, 0], grown["weights"][:, 0]
    np.testing.assert_allclose((hidden[places] + hidden[parents]) / 2, old[parents], atol=1e-6)
    lengths = np.linalg.norm(hidden[places] - hidden[parents], axis=1)
    np.testing.assert_allclose(lengths, 0.4 * np.linalg.norm(old[parents], axis=1), rtol=1e-5)
    whole = grown["readout_weights"][:, INPUTS + parents]
    np.testing.assert_array_equal(state["readout_weights"][:, INPUTS + places], whole / 2)
    np.testing.assert_array_equal(state["readout_weights"][:, INPUTS + parents], whole / 2)
    change = np.square(answers(state, block) - before).mean()
    assert 0 < change < 0.05 * before.var()


def test_select__replaces_the_least_useful_by_copies_of_the_most_useful(grown):
    state, block = copy_of(grown), waves(5, 256)
    rows = rows_of_step(state, block)
    order = np.argsort(usefulness(state, rows)[0])
    count = int(REPLACED * len(order))
    select(state, rows, random_numbers(0, 1, 4))
    changed = (state["weights"] != grown["weights"]).any((1, 2))
    assert set(np.flatnonzero(changed)) == {*order[:count], *order[-count:]}
    np.testing.assert_array_equal(state["biases"][order[:count]], grown["biases"][order[-count:]])
    assert not len(state["features"])
    assert not state["overlap"][order[:count]].any()


def test_is_due__three_times_in_a_search():
    assert [generation for generation in range(100) if is_due(generation, 100)] == [22, 42, 62]
    assert len(SELECTIONS) == 3


@pytest.mark.parametrize(("age", "times"), [(0, 0), (99, 1)])
def test_stack__selects_when_it_is_due_but_not_while_units_settle(grown, monkeypatch, age, times):
    state, called = copy_of(grown), []
    state["age"][0] = age
    monkeypatch.setattr("olacore.strategies.stack.strategy.select", lambda *given: called.append(given))
    due = int(SELECTIONS[1] * state["schedule"][0])
    for generation in (due - 1, due, due + 1):
        state["age"][0] = age
        SMALL.advance(state, waves(0), 0, generation)
    assert len(called) == times
