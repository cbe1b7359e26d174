"""Problems: the rows that training would see, whitening, blocks and parts."""

import numpy as np
import pytest

from bench.peers.method import mean_loss
from bench.peers.problems import PROBLEMS, load_problem, whitening
from olacore.data import open_dataset
from olacore.demo import sample_path
from olacore.errors import ConfigError
from tests.support.makers import JIT
from tests.support.peer_makers import make_problem

needs_jit = pytest.mark.skipif(not JIT, reason="gathering a whole data set takes minutes without the JIT")


@needs_jit
@pytest.mark.parametrize("name", [name for name, recipe in PROBLEMS.items() if recipe.data != "taesd3-2"])
def test_load_problem__has_the_sizes_of_its_name_and_all_rows(name):
    problem = load_problem(name, sample_path())
    assert f"{problem.inputs}-{problem.outputs}" == "-".join(name.split("-")[-2:])
    with open_dataset([sample_path()]) as dataset:
        counts = [len(dataset.indices(split)) for split in ("train", "validation", "held-out")]
    sites = 1 if name.startswith("global") else 32 * 32
    assert [split.rows for split in (problem.train, problem.validation, problem.held_out)] == [
        n * sites for n in counts
    ]
    np.testing.assert_allclose(problem.sample.std(0), 1, atol=1e-3)
    assert np.abs(problem.train.targets).max() <= 1


def test_load_problem__names_what_there_is():
    with pytest.raises(ConfigError, match="there is no problem 'text'; there are encoder-768-4, "):
        load_problem("text", sample_path())


def test_whitened__inputs_have_unit_covariance_and_weights_come_back():
    problem = make_problem()
    whitened = problem.whitened()
    assert problem.whitened() is whitened
    rows = whitened.train.inputs.swapaxes(1, 2).reshape(-1, problem.inputs)[: problem.train.rows]
    np.testing.assert_allclose(np.cov(rows.T, bias=True), np.eye(problem.inputs), atol=1e-3)
    weights = np.random.default_rng(0).normal(size=(problem.outputs, problem.inputs)).astype(np.float32)
    biases = np.zeros(problem.outputs, np.float32)
    inside = mean_loss((weights, biases), whitened.train)
    assert mean_loss((whitened.standardised(weights), biases), problem.train) == pytest.approx(inside, rel=1e-4)


def test_whitening__leaves_inputs_that_hardly_vary_alone():
    sample = np.random.default_rng(0).normal(size=(100, 3))
    sample[:, 2] = 0
    assert np.isfinite(whitening(sample)).all()


def test_blocks__cover_all_chunks_in_every_pass_and_differ_by_seed():
    problem = make_problem(rows=8 * 256)
    blocks = problem.train.blocks(512, seed=0)
    seen = np.concatenate([next(blocks).targets for _ in range(4)], axis=1)
    np.testing.assert_array_equal(np.sort(seen, axis=1), np.sort(problem.train.targets, axis=1))
    first = [next(problem.train.blocks(512, seed)).targets[0, 0] for seed in range(8)]
    assert len(set(first)) > 1


def test_blocks__are_the_whole_where_rows_are_few():
    problem = make_problem(rows=300)
    blocks = problem.train.blocks(8192, seed=0)
    assert [next(blocks).rows for _ in range(3)] == [300] * 3


def test_part__has_a_share_of_one_side():
    problem = make_problem(inputs=6, outputs=4, rows=2048)
    assert problem.part("inputs", 2).inputs == 3
    assert problem.part("outputs", 4).outputs == 1
    part = problem.part("rows", 4)
    assert (part.train.rows, part.inputs, part.name) == (512, 6, "decoder-36-192/rows:4")
    np.testing.assert_array_equal(part.held_out.targets, problem.held_out.targets)
    with pytest.raises(ConfigError, match="fewer inputs, outputs, rows; got 'columns'"):
        problem.part("columns", 2)
