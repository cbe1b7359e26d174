"""Strategies: their options, trust, and what a population makes of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.blocks import Block, rows_of
from olacore.errors import ConfigError, SearchError
from olacore.search.config import TrainConfig
from olacore.strategies import STRATEGIES, Classic, Problem, Rows
from tests.support.makers import JIT, quiet, threads
from tests.support.searches import GENERATIONS, blocks_of, losses_of, search

every_strategy = pytest.mark.parametrize("strategy", [Rows(), Classic(sigma=0.05)], ids=["rows", "classic"])


def least_squares_loss(block: Block) -> float:
    """Training loss of least squares, fitted to atanh(y)."""
    x, y = rows_of(block)
    wide = np.hstack([x, np.ones((len(x), 1))])
    fitted = np.linalg.lstsq(wide, np.arctanh(np.clip(y, -0.99, 0.99)), rcond=None)[0]
    return float(((np.tanh(wide @ fitted) - y) ** 2).mean())


# ---------------------------------------------------------------- names and options


def test_strategies__lists_those_there_are():
    assert all(strategy.name == name for name, strategy in STRATEGIES.items())
    with pytest.raises(
        ConfigError, match="there is no strategy 'annealing'; there are rows, stack, wide, pair, classic"
    ):
        STRATEGIES.find("annealing")


@pytest.mark.parametrize(
    ("strategy", "options", "sentence"),
    [
        (Rows, {"sigma": 1}, "the strategy rows has no option 'sigma'; its options are directions, temperature"),
        (Classic, {"Sigma": 1}, "the strategy classic has no option 'Sigma'; its options are up, down"),
        (Rows, {"directions": "many"}, "option directions of the strategy rows must be int; got 'many'"),
        (Rows, {"directions": 2.5}, "option directions of the strategy rows must be int; got 2.5"),
        (Rows, {"temperature": None}, "option temperature of the strategy rows must be float; got None"),
        (Classic, {"sigma": [1]}, r"option sigma of the strategy classic must be float; got \[1\]"),
        (Classic, {"sigma": float("nan")}, "option sigma of the strategy classic must be float; got nan"),
    ],
)
def test_configured__names_an_unknown_or_mistyped_option(strategy, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        strategy.configured(options)
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig("encoder", ("x.h5",), strategy=strategy.name, options=options)


@pytest.mark.parametrize(
    ("strategy", "options", "sentence"),
    [
        (Rows, {"directions": 0}, "directions of the strategy rows must be from 1 to inf; got 0"),
        (Rows, {"audit": 0}, "audit of the strategy rows must be from 1 to inf; got 0"),
        (Rows, {"temperature": 0}, "temperature of the strategy rows must be from 1e-09 to inf; got 0"),
        (Rows, {"temperature": "nan"}, "temperature of the strategy rows must be from 1e-09 to inf; got nan"),
        (Rows, {"memory": 1.5}, "memory of the strategy rows must be from 0 to 0.99; got 1.5"),
        (Rows, {"shrinkage": -1}, "shrinkage of the strategy rows must be from 0 to inf; got -1"),
        (Classic, {"sigma": -1}, "sigma of the strategy classic must be from 0 to inf; got -1"),
    ],
)
def test_configured__names_an_option_out_of_range(strategy, options, sentence):
    with pytest.raises(ConfigError, match=sentence):
        strategy.configured(options)


def test_configured__takes_numbers_as_the_command_line_gives_them():
    assert Rows.configured({"directions": "8", "temperature": "0.1"}) == Rows(directions=8, temperature=0.1)
    assert Classic.configured({}) == Classic()


# ---------------------------------------------------------------- both strategies


@every_strategy
def test_start__has_a_population_of_finite_float32(strategy):
    problem, _ = blocks_of(1)
    state = strategy.start(problem)
    assert state["weights"].shape == (6, 3, 5)
    assert state["biases"].shape == (6, 3)
    assert state["trust"].shape == (6,)
    assert state["weights"].dtype == state["biases"].dtype == np.float32
    weights, biases = strategy.candidate(state)
    assert (weights.shape, biases.shape) == ((3, 5), (3,))


@every_strategy
def test_advance__equal_states_go_on_equally(strategy):
    problem, blocks = blocks_of(2)
    one, _ = search(strategy, problem, blocks, 7)
    two, _ = search(strategy, problem, blocks, 4)
    two = {name: array.copy() for name, array in two.items()}  # what a checkpoint does
    for generation in range(4, 7):
        strategy.advance(two, blocks[generation % 2], problem.seed, generation)
    assert one.keys() == two.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(two[name], array, strict=True)


@every_strategy
def test_advance__same_bits_for_any_number_of_threads(strategy):
    problem, blocks = blocks_of(2, rows=700 if JIT else 20)
    with threads(1):
        one, _ = search(strategy, problem, blocks, 6)
    with threads(2):
        two, _ = search(strategy, problem, blocks, 6)
    for name, array in one.items():
        np.testing.assert_array_equal(two[name], array)


@every_strategy
def test_advance__does_not_write_to_the_block(strategy):
    problem, blocks = blocks_of(1)
    inputs, targets = blocks[0].inputs.copy(), blocks[0].targets.copy()
    search(strategy, problem, blocks, 3)
    np.testing.assert_array_equal(blocks[0].inputs, inputs)
    np.testing.assert_array_equal(blocks[0].targets, targets)


@every_strategy
def test_candidate__does_not_change_the_state_and_stays_when_it_goes_on(strategy):
    problem, blocks = blocks_of(1)
    state, _ = search(strategy, problem, blocks, 3)
    before = {name: array.copy() for name, array in state.items()}
    kept = strategy.candidate(state)
    copies = [part.copy() for part in kept]
    for name, array in before.items():
        np.testing.assert_array_equal(state[name], array)
    strategy.advance(state, blocks[0], 0, 3)
    for part, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(part, copy)


@every_strategy
def test_advance__trust_stays_between_0_and_1(strategy):
    problem, blocks = blocks_of(4, rows=40, noise=0.3)
    state = strategy.start(problem)
    for generation in range(GENERATIONS):
        strategy.advance(state, blocks[generation % 4], 0, generation)
        assert (state["trust"] >= 0).all()
        assert (state["trust"] <= 1).all()


def test_classic__trust_meets_its_bounds():
    problem, blocks = blocks_of(3, rows=40)
    state = Classic().start(problem)
    for up, down, bound in ((0.4, 0.0, 1), (0.0, 0.4, 0)):
        for generation in range(12):
            Classic(up=up, down=down, epsilon=0).advance(state, blocks[generation % 3], 0, generation)
        assert (state["trust"] == bound).all()


@every_strategy
def test_advance__with_only_nonfinite_losses_stops_the_search(strategy):
    problem, blocks = blocks_of(1)
    state = strategy.start(problem)
    state["weights"][...] = np.nan
    with quiet(), pytest.raises(SearchError, match=r"every loss of generation 17 is NaN or inf; look for huge values"):
        strategy.advance(state, blocks[0], 0, 17)


@pytest.mark.parametrize("strategy", [Rows(), Rows(memory=0), Rows(memory=0.99), Classic()])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_advance__a_broken_genome_is_counted_and_never_the_candidate(strategy, bad):
    problem, blocks = blocks_of(1)
    state, _ = search(strategy, problem, blocks, 3)
    state["weights"][2, 1, 3] = bad
    with quiet():
        report = strategy.advance(state, blocks[0], 0, 3)
        strategy.advance(state, blocks[0], 0, 4)
    assert report.nonfinite > 0
    assert np.isfinite(report.loss)
    for part in strategy.candidate(state):
        assert np.isfinite(part).all()


@every_strategy
def test_advance__one_genome_is_population_enough(strategy):
    problem, blocks = blocks_of(1)
    _, reports = search(strategy, Problem(5, 3, 1, 0, problem.sample), blocks, 5)
    assert np.isfinite([report.loss for report in reports]).all()


# ---------------------------------------------------------------- rows


def test_rows__reaches_least_squares_in_a_few_dozen_generations():
    problem, blocks = blocks_of(1)
    state, _ = search(Rows(), problem, blocks)
    assert losses_of(*Rows().candidate(state), blocks[0]).mean() < 1.05 * least_squares_loss(blocks[0])


def test_rows__takes_the_best_row_of_each_genome():
    """Of a loss that is a sum over rows, the best genome is made of the best rows, wherever they are."""
    problem, blocks = blocks_of(1)
    good, _ = search(Rows(), problem, blocks, 6)
    best = Rows().candidate(good)
    state = Rows(directions=1).start(problem)
    rng = np.random.default_rng(0)
    state["weights"][...] = rng.normal(0, 0.5, state["weights"].shape)
    for row, genome in enumerate((4, 0, 2)):
        state["weights"][genome, row], state["biases"][genome, row] = best[0][row], best[1][row]
    singles = losses_of(state["weights"], state["biases"], blocks[0])
    Rows(directions=1).advance(state, blocks[0], 0, 0)
    composed = losses_of(*Rows().candidate(state), blocks[0])
    assert composed.mean() < 0.5 * singles.mean(1).min()
    assert (composed < 1.01 * singles.min(0)).all()


def test_rows__permuted_outputs_are_the_same_search():
    """A row's loss depends on that row alone."""
    problem, blocks = blocks_of(1)
    order = np.array([2, 0, 1])
    permuted = [Block(block.inputs, np.ascontiguousarray(block.targets[order])) for block in blocks]
    weights, _ = Rows().candidate(search(Rows(), problem, blocks, 6)[0])
    others, _ = Rows().candidate(search(Rows(), problem, permuted, 6)[0])
    np.testing.assert_allclose(others, weights[order], rtol=1e-4, atol=1e-5)


def test_rows__the_child_replaces_the_least_trusted_and_of_these_the_oldest():
    problem, blocks = blocks_of(1)
    state = Rows().start(problem)
    state["born"][...] = [-3, -9, -8, -2, -1, -4]
    worse = [0, 1, 2]
    state["weights"][worse] = 0.5  # equally bad
    state["evidence"][...] = 1e5
    before = state["weights"].copy()
    Rows().advance(state, blocks[0], 0, 7)
    changed = (state["weights"] != before).any((1, 2))
    np.testing.assert_array_equal(changed, np.arange(6) == 1)
    assert state["born"][1] == 7
    np.testing.assert_array_equal(state["evidence"].min(0), 0)
    np.testing.assert_array_equal(state["evidence"][1], 0)
    assert (state["evidence"][[0, 2]] > 0).any(1).all()
    assert np.isfinite(Rows().candidate(state)[0]).all()


def test_rows__trust_is_blind_to_how_hard_a_block_is():
    problem, blocks = blocks_of(1)
    state = Rows().start(problem)
    state["weights"][...] = np.random.default_rng(0).normal(0, 0.3, (3, 5))  # one genome, six times
    for scale in (0.1, 1.0, 0.5, 0.0, 1.0):
        copy = {name: array.copy() for name, array in state.items()}
        hard = Block(blocks[0].inputs, blocks[0].targets * np.float32(scale))
        Rows().advance(copy, hard, 0, 0)
        np.testing.assert_array_equal(copy["trust"], 1)


def test_classic__trust_measures_the_block():
    """Why it is not the default: nothing mutates here, and yet trust falls."""
    problem, blocks = blocks_of(1)
    still = Classic(sigma=0.0)
    state = still.start(problem)
    still.advance(state, Block(blocks[0].inputs, blocks[0].targets * np.float32(0.1)), 0, 0)
    before = state["trust"].copy()
    still.advance(state, blocks[0], 0, 1)
    assert (state["trust"] < before).all()


def test_rows__permuted_genomes_have_permuted_trust_and_the_same_candidate():
    problem, blocks = blocks_of(1)
    state, _ = search(Rows(temperature=0.5), problem, blocks, 5)
    order = np.array([3, 1, 5, 0, 2, 4])
    per_genome = ("weights", "biases", "trust", "evidence", "born")
    permuted = {name: array[order] if name in per_genome else array.copy() for name, array in state.items()}
    for part, other in zip(Rows().candidate(state), Rows().candidate(permuted), strict=True):
        np.testing.assert_allclose(other, part, rtol=1e-5, atol=1e-6)
    Rows().advance(state, blocks[0], 0, 5)
    Rows().advance(permuted, blocks[0], 0, 5)
    np.testing.assert_allclose(permuted["trust"], state["trust"][order], rtol=1e-5)


def test_rows__loss_of_the_parent_never_rises_on_one_block():
    problem, blocks = blocks_of(1)
    _, reports = search(Rows(), problem, blocks)
    losses = np.array([report.loss for report in reports])
    assert (losses[1:] <= losses[:-1] * 1.001).all()
    assert losses[-1] < 0.5 * losses[0]


def test_rows__shrinkage_keeps_weights_small():
    problem, blocks = blocks_of(1)
    sizes = [
        np.square(strategy.candidate(search(strategy, problem, blocks, 12)[0])[0]).sum()
        for strategy in (Rows(shrinkage=s) for s in (0.0, 0.1, 1.0))
    ]
    assert sizes[0] > 1.1 * sizes[1] > 1.1**2 * sizes[2] > 0


def test_rows__inputs_that_never_change_keep_no_weight():
    problem, blocks = blocks_of(1)
    inputs = blocks[0].inputs.copy()
    inputs[:, 2] = 0
    block = Block(inputs, blocks[0].targets)
    problem = Problem(5, 3, 6, 0, rows_of(block)[0])
    state, _ = search(Rows(), problem, [block], 10)
    assert np.isfinite(state["weights"]).all()
    assert losses_of(*Rows().candidate(state), block).mean() < losses_of(np.zeros((3, 5)), np.zeros(3), block).mean()


@pytest.mark.parametrize("rows", [1, 2])
def test_rows__starts_from_a_sample_of_very_few_rows(rows):
    problem, blocks = blocks_of(1, rows=rows)
    state, _ = search(Rows(), problem, blocks, 3)
    assert np.isfinite(state["weights"]).all()


# ---------------------------------------------------------------- classic


def test_classic__lowers_its_loss():
    problem, blocks = blocks_of(3)
    strategy = Classic(sigma=0.05)
    problem = Problem(5, 3, 20, 0, problem.sample)
    start = strategy.candidate(search(strategy, problem, blocks, 1)[0])
    end = strategy.candidate(search(strategy, problem, blocks, 3 * GENERATIONS)[0])
    assert losses_of(*end, blocks[0]).mean() < 0.9 * losses_of(*start, blocks[0]).mean()


def test_classic__all_mutate_at_first():
    problem, blocks = blocks_of(1)
    _, reports = search(Classic(), problem, blocks, 1)
    assert reports[0].accepted == 1


def test_classic__the_trusted_keep_still():
    problem, blocks = blocks_of(1)
    strategy = Classic()
    state = strategy.start(problem)
    state["trust"][:3] = 0.9
    before = state["weights"].copy()
    report = strategy.advance(state, blocks[0], 0, 0)
    np.testing.assert_array_equal(state["weights"][:3], before[:3])
    assert (state["weights"][3:] != before[3:]).any((1, 2)).all()
    assert report.accepted == 0.5


def test_classic__candidate_is_the_genome_that_was_best_on_the_block():
    problem, blocks = blocks_of(1)
    state, _ = search(Classic(), problem, blocks, 3)
    parents = {name: array.copy() for name, array in state.items()}
    report = Classic().advance(state, blocks[0], 0, 3)
    losses = losses_of(parents["weights"], parents["biases"], blocks[0]).mean(1)
    np.testing.assert_array_equal(Classic().candidate(state)[0], parents["weights"][losses.argmin()])
    assert report.loss == pytest.approx(losses.min(), rel=1e-4)
