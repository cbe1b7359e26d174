"""Stacks as a strategy: what hidden units add, when they are added, and what a step may never do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from olacore.blocks import Block, rows_of
from olacore.errors import ConfigError, SearchError
from olacore.kernels.layers import read_through
from olacore.kernels.unit_trials import score_units
from olacore.losses.objective import MSE, Objective
from olacore.modules.layers import Layer
from olacore.modules.module import Module
from olacore.search.config import TrainConfig
from olacore.strategies import Stack
from olacore.strategies.common.readout import LINE
from olacore.strategies.stack.far import roots_of_far
from olacore.strategies.stack.size import ABOUT, MOST_UNITS, affine_bytes, units_within
from olacore.strategies.stack.step import FURTHEST, REACH, Step
from olacore.strategies.stack.strategy import units_in
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.scaling import Scaling
from tests.support.makers import JIT, make_module, quiet, threads
from tests.support.searches import SMALL, answers, copy_of, waves
from tests.support.searches import search_waves as search
from tests.support.searches import waves_problem as problem

needs_jit = pytest.mark.skipif(not JIT, reason="too many products without the JIT")


def loss_of(strategy: Stack, state, block: Block) -> float:
    packed = read_through(strategy.hidden(state), block.inputs, block.rows)
    return MSE.loss_of(*strategy.candidate(state), packed, block.targets)


def least_squares_loss(block: Block) -> float:
    """Loss of the affine map that fits this very block best."""
    x, y = rows_of(block)
    wide = np.hstack([x, np.ones((len(x), 1))])
    return float(((wide @ np.linalg.lstsq(wide, y, rcond=None)[0] - y) ** 2).mean())


@pytest.fixture(scope="module")
def grown():
    """A stack in the middle of its search; tests copy it."""
    return search(SMALL, 30 if JIT else 16)


# ---------------------------------------------------------------- how well


@needs_jit
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_stack__comes_far_below_the_best_affine_map(seed):
    state, test = search(SMALL, seed=seed), waves(1000)
    assert units_in(state) == 16
    assert loss_of(SMALL, state, test) < 0.6 * least_squares_loss(test)


def test_stack__a_module_answers_what_the_candidate_does(grown):
    block = waves(7)
    x, _ = rows_of(block)
    view, scaling = Plain(3, 2), Scaling.identity(3, 2)
    hidden = tuple(Layer(*layer) for layer in SMALL.hidden(grown))
    module = Module(view, None, *SMALL.candidate(grown), scaling, hidden=hidden)
    answer = module.predict(x).T
    loss = float(np.square(answer - block.targets, dtype=np.float64).mean())
    assert loss == pytest.approx(loss_of(SMALL, grown, block), rel=1e-5)


# ---------------------------------------------------------------- one step


def test_step__keeps_its_residual_equal_to_what_the_state_answers(grown):
    state, block = copy_of(grown), waves(5, 256)
    state["age"][:] = 50  # none of them settles
    step, roots = Step(SMALL, state, block, 0, MSE), roots_of_far(block)
    assert roots.min() < 1
    assert step.loss == pytest.approx(np.square((block.targets - answers(state, block)) * roots).mean(), rel=1e-4)
    for move in (step.move_units, step.move_readout):
        move(1.0)
        np.testing.assert_allclose(step.residual, (block.targets - answers(state, block)) * roots, atol=1e-5)


def test_step__units_and_readout_lower_the_loss_of_their_block(grown):
    state, block = copy_of(grown), waves(5, 256)
    state["age"][:] = 50
    losses = [np.square(block.targets - answers(state, block)).mean()]
    step = Step(SMALL, state, block, 0, MSE)
    for move in (step.move_units, step.move_readout):
        move(1.0)
        losses.append(np.square(block.targets - answers(state, block)).mean())
    assert losses[0] > losses[1] > losses[2]
    assert 0 < LINE < 1


@pytest.mark.parametrize("ridge", [0, 1, 7.5])
def test_step__a_ridge_shortens_steps_as_if_all_trials_bent_the_loss_so_much_more(grown, ridge, monkeypatch):
    asked = []
    monkeypatch.setattr(Step, "_shared", lambda _self, steps, *_: asked.append(steps) or np.zeros_like(steps))
    scores = []

    def scored(active, pull, sizes, turns, roots, fall, bend):
        score_units(active, pull, sizes, turns, roots, fall, bend)
        scores.append((fall.astype(np.float64), bend.astype(np.float64)))

    monkeypatch.setattr("olacore.strategies.stack.step.score_units", scored)
    state = copy_of(grown)
    state["age"][:] = 50
    Step(replace(SMALL, ridge=ridge), state, waves(5, 256), 0, MSE).move_units(1.0)
    (steps,), ((fall, bend),) = asked, scores
    curved = bend + ridge * bend.clip(0).mean()
    told = (curved > 0) & (np.abs(fall) < 4 * curved)
    assert told.mean() > 0.3
    np.testing.assert_allclose(steps[told], (REACH / 2 * fall / curved)[told], rtol=1e-4)
    assert np.abs(steps).max() <= np.float32(FURTHEST * REACH)


def test_step__the_first_units_wait_until_something_reads_them():
    state, block = search(SMALL, 6), waves(5, 256)
    affine = copy_of(state)
    SMALL.grow(state, 8, 0)
    before = copy_of(state)
    np.testing.assert_array_equal(state["readout_weights"][:, -8:], 0)
    np.testing.assert_allclose(answers(state, block), answers(affine, block), atol=1e-6)
    step = Step(SMALL, state, block, 0, MSE)
    step.move_units(1.0)
    np.testing.assert_array_equal(state["weights"], before["weights"])
    np.testing.assert_array_equal(state["trust"], 1)
    step.move_readout(1.0)
    assert (state["readout_weights"][:, -8:] != 0).any()


def test_step__samples_count_by_their_weights(grown):
    """A patch of pixels: with `contrast` the loss is that of the weighted samples."""
    block = waves(5, 256)
    targets = np.ascontiguousarray(np.repeat(block.targets, 6, 0) * np.linspace(0.1, 1, 12, dtype=np.float32)[:, None])
    state = copy_of(grown)
    state["readout_weights"] = np.repeat(state["readout_weights"], 6, 0)
    state["readout_biases"] = np.repeat(state["readout_biases"], 6)
    objective = Objective("contrast")
    step = Step(SMALL, state, Block(block.inputs, targets), 0, objective)
    weighted = np.square((targets - answers(state, block)) * objective.roots(targets)).mean()
    assert step.loss == pytest.approx(weighted, rel=1e-4)
    step.move_units(1.0)
    step.move_readout(1.0)
    assert np.square((targets - answers(state, block)) * objective.roots(targets)).mean() < weighted


def test_stack__same_bits_for_any_number_of_threads():
    states = []
    for count in (1, 2):
        with threads(count), threadpool_limits(count, user_api="blas"):
            states.append(search(SMALL, 20))
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array)


def test_stack__equal_states_go_on_equally_also_across_growth():
    whole, half = search(SMALL, 18), search(SMALL, 13)
    assert units_in(half) < units_in(whole)  # all join after 14
    half = search(SMALL, 18, state=copy_of(half), first=13)
    assert whole.keys() == half.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(half[name], array, strict=True)


@pytest.mark.parametrize("where", ["targets", "weights", "readout_weights"])
def test_stack__nonfinite_numbers_stop_the_search(grown, where):
    state, block = copy_of(grown), waves(5, 256)
    (block.targets if where == "targets" else state[where])[1, ..., 1] = np.nan
    with quiet(), pytest.raises(SearchError, match="every loss of generation 31 is NaN or inf; look for huge values"):
        SMALL.advance(state, block, 0, 31)


# ---------------------------------------------------------------- growth


def test_growth__half_of_the_units_join_first_and_all_later():
    state = SMALL.start(replace(problem(), generations=400))
    assert [(g, SMALL.growth(state, g)) for g in range(400) if SMALL.growth(state, g)] == [(7, 8), (40, 16)]
    SMALL.grow(state, 8, 0)
    assert [(g, SMALL.growth(state, g)) for g in range(400) if SMALL.growth(state, g)] == [(40, 16)]
    SMALL.grow(state, 16, 0)
    assert not any(SMALL.growth(state, g) for g in range(400))
    assert state["weights"].shape == (16, 1, 3)
    assert not {"evidence", "born", "axes"} & state.keys()


def test_growth__all_join_with_many_inputs_too():
    """With 768 inputs the affine map evolves alone for longer than a tenth of the search."""
    state = {"response_axes": np.empty((768, 0)), "schedule": np.array([400])}
    assert SMALL.alone(768) == 42
    assert [g for g in range(400) if SMALL.growth(state, g) == 8] == [42]
    state |= {"weights": np.empty((8, 1, 768)), "readout_weights": np.empty((2, 776))}
    assert [g for g in range(400) if SMALL.growth(state, g) == 16] == [84]


def test_pays__asks_for_half_a_percent_and_remembers():
    state = SMALL.start(problem())
    assert [SMALL.has_paid(state, loss) for loss in (1.0, 0.99, 0.988, 0.9, 0.9)] == [True, True, False, True, False]


def test_pays__of_minus_one_lets_all_units_join():
    state, patient = SMALL.start(problem()), replace(SMALL, pays=-1.0)
    assert [patient.has_paid(state, loss) for loss in (1.0, 1.0, 1.5)] == [True, True, True]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"units": 0}, "units of the strategy stack must be from 1 to 16384; got 0"),
        ({"units": MOST_UNITS + 1}, "units of the strategy stack must be from 1 to 16384; got 16385"),
        ({"samples": 255}, "samples of the strategy stack must be from 256 to inf; got 255"),
        ({"readouts": 1}, "readouts of the strategy stack must be from 2 to inf; got 1"),
        ({"damp": 0}, "damp of the strategy stack must be from 1e-06 to 1; got 0"),
        ({"readout_damp": 2}, "readout_damp of the strategy stack must be from 1e-06 to 1; got 2"),
        ({"ridge": -0.1}, "ridge of the strategy stack must be from 0 to 1000; got -0.1"),
        ({"carry": 1}, "carry of the strategy stack must be from 0 to 0.99; got 1"),
        ({"pays": -2}, "pays of the strategy stack must be from -1 to 1; got -2"),
        ({"audit": 1}, "the strategy stack has no option 'audit'; its options are units, directions"),
    ],
)
def test_stack__names_an_option_that_cannot_be(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig("decoder", ("x.h5",), strategy="stack", options=options)


# ---------------------------------------------------------------- sizes of files


@pytest.mark.parametrize("stored", ["float32", "float16", "int8"])
@pytest.mark.parametrize("view", [PatchEncoder(4, border=0), PatchDecoder(4, window=5)])
def test_units_within__fill_the_budget_and_no_more(stored, view):
    budget = 120_000
    units = units_within(budget, view.inputs, view.outputs, stored)
    size, more = (make_module(view, hidden=(count,), stored=stored).nbytes() for count in (units, units + 1))
    assert size <= budget
    # What is left free is for the text that tells how the module was found; small tensors count as float32.
    assert more + ABOUT + 8 * (units + view.inputs + view.outputs) > budget
    assert make_module(view, stored=stored).nbytes() < affine_bytes(view.inputs, view.outputs, stored)


def test_units_within__has_bounds():
    with pytest.raises(ConfigError, match="9000 bytes has no room for a stack of 100 inputs and 192 outputs"):
        units_within(9000, 100, 192, "float32")
    assert units_within(1 << 30, 100, 192, "int8") == MOST_UNITS
