"""Losses, weights of outputs, and weights on a lattice."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.blocks import rows_of
from olacore.errors import ConfigError, FileFormatError
from olacore.kernels.lattice import LEVELS, from_lattice, to_lattice
from olacore.losses.base import LOSSES
from olacore.losses.objective import Objective
from olacore.losses.user import find_loss
from olacore.strategies import Classic, Rows
from tests.support.makers import JIT
from tests.support.searches import blocks_of, losses_of, search
from tests.support.toys import LOPSIDED


def answers(strategy, state, block):
    weights, biases = strategy.candidate(state)
    return np.tanh(rows_of(block)[0] @ weights.T + biases).T


def advance_all(strategy, problem, blocks, objective, generations=30 if JIT else 8):
    state = strategy.start(problem)
    for generation in range(generations):
        strategy.advance(state, blocks[generation % len(blocks)], 0, generation, objective)
    return state


own_compiled = LOPSIDED.function  # a user's, four times as bad above the target as below it


@pytest.mark.parametrize("loss", ["mae", "huber", "cosine", own_compiled], ids=["mae", "huber", "cosine", "own"])
@pytest.mark.parametrize("strategy", [Rows(), Classic(sigma=0.05)], ids=["rows", "classic"])
def test_advance__lowers_whatever_loss_it_is_given(loss, strategy):
    problem, blocks = blocks_of(1)
    objective = Objective(loss)
    state = advance_all(strategy, problem, blocks, objective)
    found = objective.loss_of(*strategy.candidate(state), blocks[0].inputs, blocks[0].targets)
    first = objective.loss_of(
        np.zeros((3, 5), np.float32), np.zeros(3, np.float32), blocks[0].inputs, blocks[0].targets
    )
    assert found < (0.6 if strategy.name == "rows" else 1.0) * first


def test_rows__each_loss_wins_by_its_own_measure():
    """On targets with outliers, so that the losses disagree."""
    problem, blocks = blocks_of(1)
    rng = np.random.default_rng(0)
    blocks[0].targets[:, rng.random(blocks[0].rows) < 0.1] = 0.9
    objectives = {loss: Objective(loss) for loss in ("mse", "mae")}
    found = {loss: Rows().candidate(advance_all(Rows(), problem, blocks, o)) for loss, o in objectives.items()}
    for loss, objective in objectives.items():
        values = {name: objective.loss_of(*best, blocks[0].inputs, blocks[0].targets) for name, best in found.items()}
        assert min(values, key=lambda name: values[name]) == loss


def test_rows__a_user_s_loss_bends_the_answer_its_way():
    problem, blocks = blocks_of(1, noise=0.2)
    state = advance_all(Rows(), problem, blocks, Objective(own_compiled))
    above = (answers(Rows(), state, blocks[0]) > blocks[0].targets).mean()
    assert above < 0.35  # a fifth is the quantile that this loss asks for


def test_rows__cosine_follows_the_weights_of_the_outputs():
    problem, blocks = blocks_of(1, noise=0.3)
    fits = []
    for shares in ((1, 1, 1), (100, 1, 1)):
        state = advance_all(Rows(), problem, blocks, Objective("cosine", shares))
        answer, target = answers(Rows(), state, blocks[0])[0], blocks[0].targets[0]
        fits.append(np.corrcoef(answer, target)[0, 1])
    assert fits[1] > fits[0] - 0.02


def test_rows__cosine_never_raises_the_loss_of_all_outputs_on_one_block():
    problem, blocks = blocks_of(1)
    strategy, objective = Rows(), Objective("cosine")
    state = strategy.start(problem)
    reports = [strategy.advance(state, blocks[0], 0, generation, objective) for generation in range(12)]
    losses = np.array([report.loss for report in reports])
    assert (losses[1:] <= losses[:-1] * 1.01).all()
    assert losses[-1] < losses[0]


def test_total__weighs_the_outputs():
    losses = np.array([[1.0, 2.0, 6.0]])
    np.testing.assert_allclose(Objective().total(losses), 3)
    np.testing.assert_allclose(Objective("mse", (1, 2, 1)).total(losses), 11 / 4)


@pytest.mark.parametrize(
    ("loss", "shares", "sentence"),
    [
        (
            "l2",
            (),
            "the loss must be mse, mae, huber, .*my_losses.py:function, or .* got 'l2'",
        ),
        ("mse", (1, 0), "the weight of an output must be above 0; got"),
        ("mse", (1, float("nan")), "the weight of an output must be above 0; got"),
    ],
)
def test_objective__names_what_is_wrong(loss, shares, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Objective(loss, shares)


def test_objective__refuses_a_wrong_number_of_weights():
    with pytest.raises(ConfigError, match="there are 4 outputs, and output weights for 2 of them"):
        Objective("mse", (1, 2)).check_outputs(4, False, "the patch encoder")


def test_find_loss__loads_a_function_from_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def squared(prediction, target):\n    return (prediction - target) ** 2\n")
    _, blocks = blocks_of(1)
    ours = Objective(find_loss(f"{path}:squared"))
    targets = blocks[0].targets
    assert ours.measure(np.zeros_like(targets), targets) == pytest.approx(np.square(targets).mean(), rel=1e-4)
    assert ours.name == "squared"
    with pytest.raises(ConfigError, match=r"has no function 'cubed'; define cubed\(prediction, target\)"):
        find_loss(f"{path}:cubed")
    path.write_text("def squared(:\n")
    with pytest.raises(FileFormatError, match=r"the loss .*mine\.py, line 1, raises SyntaxError: invalid syntax"):
        find_loss(f"{path}:squared")
    with pytest.raises(FileFormatError, match=r"cannot read the loss .*none\.py: No such file"):
        find_loss(f"{tmp_path / 'none.py'}:squared")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("def mine(a, b, c):\n    return a\n", "the loss mine must be a function of .* numba can compile: "),
        (
            "def mine(a, b):\n    return nothing + a\n",
            "the loss mine must be a function of .* numba can compile: ",
        ),
        ("def mine(a, b):\n    return 'far'\n", "the loss mine must give a number; it gave str"),
        ("def mine(a, b):\n    return abs(a - b) / abs(b)\n", "the loss mine divides by zero; add a small number"),
    ],
)
def test_objective__names_a_loss_that_cannot_be_one(tmp_path, body, sentence):
    path = tmp_path / "mine.py"
    path.write_text(body)
    with pytest.raises(ConfigError, match=sentence):
        Objective(find_loss(f"{path}:mine"))


# ---------------------------------------------------------------- int8


@given(seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 4), inputs=st.integers(1, 9), size=st.integers(-30, 30))
@settings(deadline=None, max_examples=50)
def test_to_lattice__is_as_near_as_half_a_level_and_stays(seed, rows, inputs, size):
    weights = np.random.default_rng(seed).standard_normal((rows, inputs)).astype(np.float32) * np.float32(2.0**size)
    levels, scales = to_lattice(weights)
    back = from_lattice(levels, scales)
    assert levels.dtype == np.int8
    assert (np.abs(back - weights) <= 0.501 * scales[:, None]).all()
    again, same = to_lattice(back)
    np.testing.assert_array_equal(again, levels)
    np.testing.assert_array_equal(same, scales)
    assert (np.abs(levels).max(1) == LEVELS).all()


def test_to_lattice__keeps_zero_rows_and_shows_broken_ones():
    weights = np.array([[0, 0], [1, np.nan], [np.inf, 1]], np.float32)
    with np.errstate(invalid="ignore"):
        levels, scales = to_lattice(weights)
        back = from_lattice(levels, scales)
    np.testing.assert_array_equal(back[0], 0)
    assert np.isnan(back[1:]).any(1).all()


def test_rows__int8_genomes_come_as_near_as_float32():
    problem, blocks = blocks_of(3)
    found = []
    for strategy in (Rows(), Rows().stored("int8")):
        state, _ = search(strategy, problem, blocks)
        found.append(losses_of(*strategy.candidate(state), blocks[0]).mean())
        assert state["weights"].dtype == (np.int8 if strategy.lattice else np.float32)
    assert found[1] < 1.02 * found[0]
    weights, _ = strategy.candidate(state)
    np.testing.assert_array_equal(from_lattice(*to_lattice(weights)), weights)


# ---------------------------------------------------------------- units of the targets


@pytest.mark.parametrize(
    "loss", ["mse", "mae", "huber", "cosine", own_compiled], ids=["mse", "mae", "huber", "cosine", "own"]
)
def test_measure__of_answers_is_what_is_scored(loss):
    _, (block, *_) = blocks_of(1)
    rng = np.random.default_rng(1)
    weights, biases = rng.normal(0, 0.3, (3, 5)).astype(np.float32), rng.normal(0, 0.3, 3).astype(np.float32)
    objective = Objective(loss, (1, 2, 3))
    given = np.tanh(rows_of(block)[0] @ weights.T + biases).T.astype(np.float32)
    scored = objective.loss_of(weights, biases, block.inputs, block.targets)
    assert objective.measure(given, block.targets) == pytest.approx(scored, rel=1e-4)


def test_loss__is_the_same_in_another_process():
    """Kernels are found by its function, and would be compiled anew for a copy."""
    assert pickle.loads(pickle.dumps(Objective("mae"))).by is LOSSES["mae"]
    copy = pickle.loads(pickle.dumps(LOPSIDED))
    assert (copy.name, copy.function(2, 1)) == ("lopsided", 4)


def test_measure__follows_the_scale_of_the_data_and_shows_broken_answers():
    _, (block, *_) = blocks_of(1)
    still = np.zeros_like(block.targets)
    small, large = Objective().measure(still, block.targets), Objective().measure(still, 10 * block.targets)
    assert large == pytest.approx(100 * small, rel=1e-5)
    still[1, 1] = np.nan
    assert Objective().measure(still, block.targets) == np.inf
