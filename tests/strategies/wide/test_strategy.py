"""Wide stacks as a strategy: how well, what is judged, what is stored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from olacore.blocks import Block, rows_of
from olacore.errors import SearchError
from olacore.kernels.lattice import as_stored
from olacore.kernels.layout import empty_packed, pack_rows
from olacore.losses.objective import MSE
from olacore.strategies import Candidate, Problem, State, Wide
from olacore.strategies.wide.mark import alike, mark_of
from olacore.strategies.wide.readout import AFFINE
from tests.support.makers import JIT, quiet, threads
from tests.support.searches import copy_of

WIDE = Wide(units=100 if JIT else 30, width=2.0, axes=32)
GENERATIONS = 6
INPUTS = 16


def families(seed: int, rows: int = 400 if JIT else 120) -> Block:
    """Samples of 40 families: each has two targets of its own, which no affine map of 16 inputs knows."""
    fixed, rng = np.random.default_rng(99), np.random.default_rng(seed)
    middles, answers = fixed.standard_normal((40, INPUTS)), fixed.standard_normal((2, 40)) / 40
    family = np.arange(rows) % 40
    x = middles[family] + 0.3 * rng.standard_normal((rows, INPUTS))
    packed = empty_packed(rows, INPUTS)
    pack_rows(x.astype(np.float32), packed)
    return Block(packed, np.ascontiguousarray(answers[:, family], np.float32))


def problem(block: Block, generations: int = GENERATIONS) -> Problem:
    return Problem(INPUTS, 2, 4, 0, rows_of(block)[0], generations)


def loss_of(candidate: Candidate, block: Block) -> float:
    return WIDE.loss_of(candidate, block, MSE)


def search(strategy: Wide, block: Block, generations: int = GENERATIONS, state: State | None = None, first: int = 0):
    """The state after so many generations, judged by samples of their own."""
    judges = families(50)
    state = strategy.start(problem(block)) if state is None else state
    for generation in range(first, generations):
        strategy.advance(state, block, 0, generation)
        strategy.between(state, generation + 1, 0, lambda: 0.0, lambda candidate: loss_of(candidate, judges))
    return state


@pytest.fixture(scope="module")
def block() -> Block:
    return families(0)


@pytest.fixture(scope="module")
def found(block: Block) -> State:
    return search(WIDE, block)


def test_wide__comes_far_below_the_best_affine_map(block: Block, found: State) -> None:
    test = families(1000)
    x, y = rows_of(test)
    wide = np.hstack([x, np.ones((len(x), 1))])
    affine = ((wide @ np.linalg.lstsq(wide, y, rcond=None)[0] - y) ** 2).mean()
    assert loss_of(WIDE.best(found), test) < (0.2 if JIT else 0.6) * affine


def test_advance__lowers_the_loss_with_its_shrinkage_every_time(block: Block) -> None:
    state = WIDE.start(problem(block))
    assert len(state["weights"]) > WIDE.units
    before = np.full(len(state["shrinkage"]), np.inf)
    for generation in range(4):
        WIDE.advance(state, block, 0, generation)
        now = []
        for genome, shrinkage in enumerate(state["shrinkage"]):
            error = loss_of(WIDE.read(state, genome), block) * block.targets.size
            now.append(error + shrinkage * np.square(state["readouts"][genome][:, :-1], dtype=np.float64).sum())
        assert (np.array(now) < before * (1 + 1e-4)).all()
        assert len(state["weights"]) == WIDE.units
        before = np.array(now)


def test_advance__ends_where_ridge_in_the_metric_does(block: Block) -> None:
    strategy = replace(WIDE, axes=1000)
    state = strategy.start(problem(block))
    for generation in range(4):
        strategy.advance(state, block, 0, generation)
    active = strategy._active(state, block).astype(np.float64)
    inputs = rows_of(block)[0].T * (AFFINE / np.sqrt(state["size"][0]))
    responses = np.vstack([state["white"] @ active, inputs])
    responses -= responses.mean(1, keepdims=True)
    targets = block.targets - block.targets.mean(1, keepdims=True, dtype=np.float64)
    bend = responses @ responses.T + state["shrinkage"][1] * np.eye(len(responses))
    ridge = np.linalg.solve(bend, responses @ targets.T).T
    assert np.linalg.norm(state["readouts"][1][:, :-1] - ridge) < 0.01 * np.linalg.norm(ridge)


def test_wide__equal_states_go_on_equally(block: Block, found: State) -> None:
    half = copy_of(search(WIDE, block, 3))
    again = search(WIDE, block, state=half, first=3)
    for name, array in found.items():
        np.testing.assert_array_equal(again[name], array, strict=True)


def test_wide__same_bits_for_any_number_of_threads(block: Block, found: State) -> None:
    with threads(1):
        one = search(WIDE, block)
    for name, array in found.items():
        np.testing.assert_array_equal(one[name], array)


def judged(block: Block, losses: list[float]) -> State:
    """A state of shrinkages 0.1, 1 and 10 after validation losses."""
    state, found = search(WIDE, block, 2), iter(losses)
    state["shrinkage"] = np.array([0.1, 1.0, 10.0])
    WIDE.between(state, 2, 0, lambda: 0.0, lambda _: next(found))
    return state


def test_between__the_worst_becomes_the_best_where_a_parabola_is_lowest(block: Block) -> None:
    losses = [1 + (np.log(shrinkage) - np.log(0.6)) ** 2 / 1000 for shrinkage in (0.1, 1.0, 10.0)]
    state = judged(block, losses)
    assert state["trust"].argmax() == 1
    assert state["trust"][2] < state["trust"][0] < 0.5
    np.testing.assert_allclose(state["shrinkage"], [0.1, 1, 0.6])
    np.testing.assert_array_equal(state["readouts"][2], state["readouts"][1])


@pytest.mark.parametrize(
    ("losses", "best"),
    [([1.0, 2.0, 3.0], 0), ([3.0, 2.0, 1.0], 2), ([np.nan, 1.0, np.inf], 1), ([1.0, 0.9, 1.0], 1)],
)
def test_between__a_shrinkage_mutates_where_no_parabola_tells_a_new_one(
    block: Block, losses: list[float], best: int
) -> None:
    state = judged(block, losses)
    new = [shrinkage for shrinkage in state["shrinkage"] if shrinkage not in (0.1, 1.0, 10.0)]
    assert state["trust"].argmax() == best
    assert len(new) == 1
    assert 10 ** (best - 1) / 10**0.5 < new[0] < 10 ** (best - 1) * 10**0.5


@pytest.mark.parametrize("form", ["int8", "float16"])
def test_read__what_is_stored_answers_like_what_was_evolved(block: Block, form: str) -> None:
    stored, test = WIDE.stored(form), families(1000)
    state = search(stored, block)
    for weights, _ in stored.hidden(state):
        assert len(np.unique(weights)) < 255 * weights.shape[1] or form == "float16"
    whole = loss_of(replace(stored, form="float32").best(state), test)
    assert loss_of(stored.best(state), test) < whole + 0.01 * float(np.var(test.targets))


def test_between__keeps_of_two_ways_to_round_the_one_that_validation_samples_prefer(block: Block) -> None:
    stored, judges = WIDE.stored("int8"), families(50)
    state = search(stored, block)
    best = int(state["trust"].argmax())
    together, plain = stored.read(state, best), stored.read(state, best, together=False)
    assert (together.weights != plain.weights).any()
    assert loss_of(stored.best(state), judges) == min(loss_of(together, judges), loss_of(plain, judges))
    np.testing.assert_array_equal(as_stored(stored.best(state).weights, "int8"), stored.best(state).weights)
    # Whatever the others are worth, judges who see no difference leave every weight at its nearest level.
    stored.between(state, GENERATIONS, 0, lambda: 0.0, lambda _: 1.0)
    np.testing.assert_array_equal(stored.best(state).weights, stored.read(state, 0, together=False).weights)


def test_advance__read_outs_that_have_moved_are_rounded_anew(block: Block) -> None:
    stored = WIDE.stored("int8")
    state = search(stored, block, 2)
    before = stored.best(state).weights
    stored.advance(state, families(1), 0, 2)
    assert not state["factor"].any()  # of other samples
    assert (stored.best(state).weights != before).any()


def test_tuned__chooses_a_width_near_the_best(block: Block) -> None:
    strategy, judges = replace(WIDE, width=0.0), families(50)

    def judge(candidate: Candidate) -> float:
        return loss_of(candidate, judges)

    told: list[tuple[str, int | None]] = []
    tuned = strategy.tuned(problem(block), block, MSE, judge, (), lambda *trial: told.append(trial))
    assert tuned.chosen == {"width": tuned.width, "metric": 0}
    assert told[0] == (f"{WIDE.units} units of width 2", None)
    assert len({*told}) > 3
    losses = {}
    for width in (0.1, tuned.width, 40.0):
        state = search(replace(strategy, width=width), block, 2)
        losses[width] = min(judge(strategy.read(state, genome)) for genome in range(3))
    assert min(losses, key=lambda width: losses[width]) == tuned.width
    assert replace(strategy, width=7.0).tuned(problem(block), block, MSE, judge, ()).width == 7


def test_start__has_no_more_units_than_samples_and_survives_inputs_that_are_all_alike() -> None:
    packed = empty_packed(20, INPUTS)
    pack_rows(np.zeros((20, INPUTS), np.float32), packed)
    block = Block(packed, np.linspace(-0.1, 0.1, 40, dtype=np.float32).reshape(2, 20))
    state = search(WIDE, block, 2)
    assert state["weights"].shape == (20, 1, INPUTS)
    weights, biases = WIDE.candidate(state)
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(
        biases + weights[:, INPUTS:] @ np.full(20, np.tanh(-1)), block.targets.mean(1), atol=1e-3
    )


def test_advance__a_loss_that_is_not_finite_ends_the_search(block: Block) -> None:
    broken = Block(block.inputs, np.full_like(block.targets, np.nan))
    with quiet(), pytest.raises(SearchError, match="every loss of generation 0 is NaN or inf"):
        WIDE.advance(WIDE.start(problem(block)), broken, 0, 0)


def test_mark__is_of_the_samples_whatever_their_order(block: Block) -> None:
    x, y = rows_of(block)
    order = np.random.default_rng(0).permutation(len(x))

    def mark(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        packed = empty_packed(*x.shape)
        pack_rows(np.ascontiguousarray(x), packed)
        return mark_of(Block(packed, y.T))

    assert alike(mark(x[order], y[order] * (1 + 1e-7)), mark_of(block))
    assert not alike(mark(x, y[order]), mark_of(block))
    x[0, 0] += 1e-3
    assert not alike(mark(x, y), mark_of(block))
    assert not alike(mark_of(block), np.zeros(3))


def test_advance__other_samples_are_measured_anew(block: Block) -> None:
    state = WIDE.start(problem(block))
    WIDE.advance(state, block, 0, 0)
    before = state["moments"].copy()
    WIDE.advance(state, block, 0, 1)
    np.testing.assert_array_equal(state["moments"], before)
    WIDE.advance(state, families(1), 0, 2)
    assert (state["moments"] != before).any()
