"""Samples that lie far out: what they count, and the units that are born at them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from olacore.blocks import Block
from olacore.kernels.layout import empty_packed, pack_rows
from olacore.strategies.stack.far import AT_MEAN, AT_SAMPLE, BIRTHPLACE, birthplaces, limit, roots_of_far, units_at
from tests.support.searches import SMALL, waves_problem


def block_of(x: np.ndarray) -> Block:
    packed = empty_packed(*x.shape)
    pack_rows(x, packed)
    return Block(packed, np.zeros((1, len(x)), np.float32))


@pytest.fixture
def tails() -> np.ndarray:
    """3,000 x 8, of which a few lie far out."""
    return (np.random.default_rng(0).standard_t(3, (3000, 8)) / 3**0.5).astype(np.float32)


def test_roots__a_sample_counts_less_the_farther_it_lies_out(tails):
    squares = np.square(tails).sum(1)
    found = roots_of_far(block_of(tails))
    assert found.dtype == np.float32
    assert 0 < (squares > 32).sum() < 300
    np.testing.assert_allclose(found**2, np.minimum(1, 32 / squares), rtol=1e-5)


@pytest.mark.parametrize("inputs", [1, 3, 32])
def test_roots__nearly_all_of_normal_inputs_count_alike(inputs):
    x = np.random.default_rng(0).standard_normal((2000, inputs), np.float32)
    assert (roots_of_far(block_of(x)) < 1).mean() < 0.01
    assert not len(birthplaces(x, 2000))


def test_birthplaces__are_the_samples_farthest_out(tails):
    squares = np.square(tails).sum(1)
    count = int((squares > BIRTHPLACE * limit(8)).sum())
    assert count > 2
    np.testing.assert_array_equal(birthplaces(tails, 3000), tails[np.argsort(-squares)][:count])
    assert len(birthplaces(tails, 2)) == 2


def test_units_at__answer_one_way_at_their_sample_and_the_other_way_at_the_mean(tails):
    places = birthplaces(tails, 4)
    weights, biases = units_at(places)
    np.testing.assert_allclose((weights * places).sum(1) + biases, AT_SAMPLE, rtol=1e-5)
    np.testing.assert_array_equal(biases, np.float32(AT_MEAN))


def test_stack__half_of_the_first_units_are_born_far_out_where_there_are_so_many(tails):
    state = SMALL.start(replace(waves_problem(), inputs=8, sample=tails))
    places = state["far"]
    assert len(places) == SMALL.units // 4
    SMALL.grow(state, SMALL.units // 2, 0)
    assert "far" not in state
    np.testing.assert_array_equal(state["weights"][: len(places), 0], units_at(places)[0])
    assert (state["weights"][len(places) :] != 0).all()
