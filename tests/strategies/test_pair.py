"""The pair as a strategy: exact losses of its trials, and what it makes of pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from olacore.blocks import Block, every_row, rows_of
from olacore.errors import ConfigError, SearchError
from olacore.kernels.windows import cut_windows_reference
from olacore.search.config import TrainConfig
from olacore.strategies import Pair, Problem
from olacore.strategies.common.readout import LINEAR
from olacore.strategies.pair import encode
from olacore.views.pictures import Pictures
from olacore.views.scaling import Scaling
from tests.support.makers import quiet, smooth_pictures, threads

CHANNELS, HEIGHT, WIDTH, WINDOW = 2, 2, 3, 3
PAIR = Pair(channels=CHANNELS, border=0, window=WINDOW, height=HEIGHT, width=WIDTH, directions=16)


@pytest.fixture(scope="module")
def seen() -> tuple[Problem, Block]:
    """A problem of small pictures, and a block of six of them."""
    frames = smooth_pictures(6, 8 * HEIGHT, 8 * WIDTH)
    view = Pictures(CHANNELS, border=0, window=WINDOW, height=HEIGHT, width=WIDTH)
    raw = every_row({"frames": frames}, 1)
    sample, targets = rows_of(view.gather(raw, Scaling.identity(view.inputs, view.outputs)))
    scaling = Scaling.fit(sample, targets, 1.0)
    scaling = replace(scaling, target_scale=scaling.target_scale * np.float32(LINEAR))
    block = view.gather(raw, scaling)
    return Problem(view.inputs, view.outputs, 1, 0, rows_of(block)[0], 60, scaling.input_scale), block


def search(seen, generations):
    problem, block = seen
    state = PAIR.start(problem)
    losses = [PAIR.advance(state, block, 0, generation).loss for generation in range(generations)]
    return state, losses


def error(state, block, shift=0.0):
    """Squared error (out, n) of what the decoder makes of the latents, in float64; the encoder shifted by that."""
    latents = (state["hidden_weights"][0] + shift) @ rows_of(block)[0].T.astype(np.float64)
    windows = np.empty((CHANNELS * WINDOW**2, block.rows))
    cut_windows_reference(latents + state["hidden_biases"][0][:, None], HEIGHT, WIDTH, WINDOW, windows)
    weights, biases = PAIR.candidate(state)
    return block.targets - weights.astype(np.float64) @ windows - biases[:, None]


def test_pair__fall_and_bend_are_exact_loss_differences(seen):
    state, _ = search(seen, 8)
    # Bends are measured on four pictures.
    block = Block(seen[1].inputs, seen[1].targets[:, : 4 * HEIGHT * WIDTH].copy())
    directions = state["axes"][:3]
    responses = np.ascontiguousarray((rows_of(block)[0] @ directions.T).T)
    falls = PAIR._falls(state["weights"][0], error(state, block).astype(np.float32), responses)
    bends = PAIR._bends(state["weights"][0], responses)
    still = np.square(error(state, block)).sum()
    for channel in range(CHANNELS):
        for k, direction in enumerate(directions):
            shift = np.zeros((CHANNELS, len(direction)))
            shift[channel] = 0.1 * direction
            minus, plus = (np.square(error(state, block, sign * shift)).sum() for sign in (-1, 1))
            assert falls[channel, k] == pytest.approx((minus - plus) / 0.4, rel=1e-3, abs=1e-4)
            assert bends[channel, k] == pytest.approx((minus + plus - 2 * still) / 0.02, rel=1e-3, abs=1e-5)


def test_pair__reports_the_loss_of_its_state_and_lowers_it(seen):
    state, losses = search(seen, 20)
    report = PAIR.advance({name: array.copy() for name, array in state.items()}, seen[1], 0, 20)
    assert report.loss == pytest.approx(np.square(error(state, seen[1])).mean(), rel=1e-4)
    assert losses[-1] < 0.1 * losses[0]
    np.testing.assert_allclose(
        PAIR.answer(PAIR.best(state), seen[1]),
        np.tanh(seen[1].targets - error(state, seen[1])),
        atol=1e-5,
    )


def test_pair__starts_with_latents_of_spread_1_along_the_patch_s_principal_axes(seen):
    problem, block = seen
    state = PAIR.start(problem)
    latents = encode(PAIR.hidden(state)[0], block)
    np.testing.assert_allclose(latents @ latents.T / block.rows, np.eye(CHANNELS), atol=1e-3)
    np.testing.assert_array_equal(state["weights"], 0)


def test_pair__the_encoder_stands_still_until_the_decoder_reads_it(seen):
    problem, block = seen
    state = PAIR.start(problem)
    first = state["hidden_weights"].copy()
    for generation in range(5):
        np.testing.assert_array_equal(state["hidden_weights"], first)
        PAIR.advance(state, block, 0, generation)
    assert (state["hidden_weights"] != first).any()


def test_pair__same_bits_for_any_number_of_threads(seen):
    states = []
    for count in (1, 2):
        with threads(count), threadpool_limits(count, user_api="blas"):
            states.append(search(seen, 8)[0])
    for name, array in states[0].items():
        np.testing.assert_array_equal(states[1][name], array)


@pytest.mark.parametrize("where", ["hidden_weights", "weights"])
def test_pair__nonfinite_numbers_stop_the_search(seen, where):
    state, _ = search(seen, 2)
    state[where][0, 1, 1] = np.nan
    with quiet(), pytest.raises(SearchError, match="every loss of generation 30 is NaN or inf; look for huge values"):
        PAIR.advance(state, seen[1], 0, 30)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"damp": 0}, "damp of the strategy pair must be from 1e-06 to 1; got 0"),
        ({"decoder_damp": 2}, "decoder_damp of the strategy pair must be from 1e-06 to 1; got 2"),
        ({"directions": 0}, "directions of the strategy pair must be from 1 to inf; got 0"),
        ({"channels": 9}, "the strategy pair has no option 'channels'; its options are directions"),
        ({"carry": 1}, "carry of the strategy pair must be from 0 to 0.99; got 1"),
        ({"units": 1}, "the strategy pair has no option 'units'; its options are directions, damp"),
    ],
)
def test_pair__names_an_option_that_cannot_be(options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig("pair", ("x.h5",), options=options)
