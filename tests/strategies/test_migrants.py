"""What islands send each other, and what they take."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.blocks import Block
from olacore.losses.objective import MSE, Objective
from olacore.strategies import Pair, Rows, Stack, State, Strategy
from olacore.strategies.stack.strategy import units_in
from tests.support.makers import quiet, threads
from tests.support.searches import SMALL, blocks_of, copy_of, search, search_waves, waves

PROBLEM, BLOCKS = blocks_of(4)
KINDS = {"rows": Rows(), "int8": Rows(lattice=True), "shrunk": Rows(shrinkage=0.01)}
every_kind = pytest.mark.parametrize("strategy", [*KINDS.values()], ids=[*KINDS])
few = settings(max_examples=15, deadline=None)


@cache
def searched(strategy: Rows, generations: int, first: int) -> State:
    """The state of an island that sees the blocks in another order."""
    return search(strategy, PROBLEM, BLOCKS[first:] + BLOCKS[:first], generations)[0]


@cache
def stack_of(seed: int, generations: int = 14) -> State:
    return search_waves(SMALL, generations, seed)


def costs(strategy: Rows, state: State, block: Block, objective: Objective = MSE) -> np.ndarray:
    """What each row of the candidate costs on a block."""
    weights, biases = strategy.candidate(state)
    losses = objective.score(weights[None], biases[None], block.inputs, block.targets)[0].astype(np.float64)
    return losses + strategy.shrinkage * np.square(weights, dtype=np.float64).sum(1)


def taken(strategy: Strategy, state: State, migrants: list[State], block: Block, objective: Objective = MSE):
    """A state after migrants came, and how many rows or units were taken."""
    state = copy_of(state)
    return state, strategy.immigrate(state, migrants, block, 0, 5, objective)


# ---------------------------------------------------------------- rows


@few
@given(
    kind=st.sampled_from([*KINDS]),
    generations=st.tuples(*[st.integers(1, 6)] * 3),
    firsts=st.tuples(*[st.integers(0, 3)] * 3),
    block=st.integers(0, 3),
)
def test_rows__no_row_gets_worse_on_the_block(kind, generations, firsts, block) -> None:
    strategy = KINDS[kind]
    own, *others = [searched(strategy, *one) for one in zip(generations, firsts, strict=True)]
    migrants = [strategy.emigrants(other) for other in others]
    state, count = taken(strategy, own, migrants, BLOCKS[block])
    before, after = costs(strategy, own, BLOCKS[block]), costs(strategy, state, BLOCKS[block])
    assert (after <= before).all()
    assert count == (after < before).sum()
    best = np.min([costs(strategy, other, BLOCKS[block]) for other in others], axis=0)
    assert (after <= best * (1 + 1e-5)).all()


@every_kind
def test_rows__a_better_row_alone_is_taken_and_the_others_stay(strategy: Rows) -> None:
    own, better = searched(strategy, 1, 0), strategy.emigrants(searched(strategy, 6, 1))
    here = strategy.emigrants(own)
    sent = {name: here[name].copy() for name in here}
    for name in sent:
        sent[name][1] = better[name][1]
    state, count = taken(strategy, own, [sent], BLOCKS[0])
    assert count == 1
    weights, biases = strategy.candidate(state)
    np.testing.assert_array_equal(weights[[0, 2]], here["row_weights"][[0, 2]])
    np.testing.assert_array_equal(biases[[0, 2]], here["row_biases"][[0, 2]])
    assert (weights[1] != here["row_weights"][1]).any()


@pytest.mark.parametrize("objective", [MSE, Objective("mae"), Objective("cosine")], ids=lambda one: one.name)
def test_rows__the_loss_of_any_objective_never_rises(objective: Objective) -> None:
    strategy = KINDS["rows"]
    own, sent = searched(strategy, 2, 0), [strategy.emigrants(searched(strategy, 6, first)) for first in (1, 2)]
    state, count = taken(strategy, own, sent, BLOCKS[3], objective)
    assert count
    before, after = (objective.total(costs(strategy, one, BLOCKS[3], objective)) for one in (own, state))
    assert after < before


@every_kind
def test_rows__what_is_no_better_or_not_finite_is_left(strategy: Rows) -> None:
    own = searched(strategy, 6, 0)
    worse = strategy.emigrants(strategy.start(PROBLEM))
    broken = {name: np.full_like(part, np.nan) for name, part in worse.items()}
    with quiet():
        state, count = taken(strategy, own, [worse, broken, strategy.emigrants(own)], BLOCKS[0])
    assert count == 0
    for name, part in own.items():
        np.testing.assert_array_equal(state[name], part)


@every_kind
def test_rows__a_search_goes_on_from_what_it_took(strategy: Rows) -> None:
    state, count = taken(strategy, searched(strategy, 1, 0), [strategy.emigrants(searched(strategy, 6, 1))], BLOCKS[0])
    assert count == 3
    before = costs(strategy, state, BLOCKS[2]).mean()
    for generation in range(6, 12):
        strategy.advance(state, BLOCKS[generation % 4], 0, generation)
    assert costs(strategy, state, BLOCKS[2]).mean() < before * 1.05
    assert np.isfinite(state["evidence"]).all()


# ---------------------------------------------------------------- stacks


@few
@given(
    seeds=st.permutations([0, 1, 2]),
    generations=st.tuples(*[st.sampled_from([9, 11, 14])] * 3),
    block=st.integers(0, 9),
)
def test_stack__units_are_taken_only_where_the_loss_falls(seeds, generations, block) -> None:
    own, *others = [stack_of(*one) for one in zip(seeds, generations, strict=True)]
    state, count = taken(SMALL, own, [SMALL.emigrants(other) for other in others], waves(block))
    before, after = (SMALL.loss_of(SMALL.best(one), waves(block), MSE) for one in (own, state))
    assert after < before if count else after == before
    assert units_in(state) == units_in(own)


def test_stack__takes_units_that_know_more_and_goes_on() -> None:
    own = stack_of(0)
    for name in ("weights", "biases"):  # units that say nothing
        own = {**own, name: own[name] * np.float32(1e-3)}
    sent = SMALL.emigrants(stack_of(1))
    assert len(sent["unit_biases"]) == len(sent["unit_weights"]) == 8
    assert len(sent["row_biases"]) == len(sent["row_weights"]) == 0
    state, count = taken(SMALL, own, [sent], waves(0))
    assert count
    before = SMALL.loss_of(SMALL.best(state), waves(0), MSE)
    for generation in range(14, 18):
        SMALL.advance(state, waves(generation % 4), 0, generation)
    assert SMALL.loss_of(SMALL.best(state), waves(0), MSE) < before


def test_stack__before_units_have_joined_rows_migrate_and_stages_do_not_mix() -> None:
    early, late = (stack_of(0, generations) for generations in (3, 14))
    sent = SMALL.emigrants(early)
    assert sent["row_weights"].shape == (2, 3)
    assert sent["unit_weights"].shape == (0, 3)
    assert {name: (part.dtype, part.shape[1:]) for name, part in sent.items()} == {
        name: (part.dtype, part.shape[1:]) for name, part in SMALL.emigrants(late).items()
    }
    assert taken(SMALL, late, [sent], waves(0))[1] == 0
    assert taken(SMALL, early, [SMALL.emigrants(late)], waves(0))[1] == 0
    assert taken(SMALL, stack_of(0, 1), [sent], waves(0))[1] > 0


# ---------------------------------------------------------------- all


def test_migrants__are_the_same_bytes_on_any_number_of_threads() -> None:
    def exchange(count: int) -> list[np.ndarray]:
        with threads(count):
            rows = taken(Rows(), searched(Rows(), 2, 0), [Rows().emigrants(searched(Rows(), 5, 1))], BLOCKS[0])[0]
            units = taken(SMALL, stack_of(0), [SMALL.emigrants(stack_of(1))], waves(3))[0]
        return [*rows.values(), *units.values()]

    for one, two in zip(exchange(1), exchange(2), strict=True):
        np.testing.assert_array_equal(one, two)


def test_migrants__are_copies() -> None:
    for strategy, state in ((Rows(), searched(Rows(), 3, 0)), (SMALL, stack_of(0)), (SMALL, stack_of(0, 3))):
        assert not any(
            np.shares_memory(sent, part) for sent in strategy.emigrants(state).values() for part in state.values()
        )


def test_exchanges__says_who_sends_migrants() -> None:
    assert Rows.exchanges == Stack.exchanges == 20
    assert Pair.exchanges is None
    assert Pair().emigrants({}) == {}
