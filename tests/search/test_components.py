"""Components of the targets: what they keep, who chooses them, and modules that carry them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset, write_pairs
from olacore.errors import ConfigError, ShapeError
from olacore.modules.module import load
from olacore.quality.baselines import validation_samples
from olacore.quality.evaluation import evaluate, evaluate_parts
from olacore.search.components import Components, with_basis
from olacore.search.train import train
from olacore.search.validation import parts_of_block
from olacore.views.scaling import Scaling
from tests.support.caption_samples import write_captioned
from tests.support.makers import JIT, make_config, threads
from tests.support.searches import assert_same_run, interrupted

OUTPUTS, RANK = 40, 6
searched = pytest.mark.skipif(not JIT, reason="too many products without the JIT")


def low_rank(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and many targets that follow from few directions of them, with a little noise."""
    fixed, rng = np.random.default_rng(9), np.random.default_rng(seed)
    x = rng.standard_normal((count, 12)).astype(np.float32)
    y = np.tanh(x @ fixed.standard_normal((12, RANK)) / 3) @ fixed.standard_normal((RANK, OUTPUTS))
    return x, (5 + y + 0.01 * rng.standard_normal(y.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("data") / "low.h5"
    write_pairs(path, *low_rank(400))
    return path


@pytest.mark.parametrize("count", [7, 300])
def test_components__are_orthonormal_and_keep_what_they_say(count):
    _, targets = low_rank(count)
    mean = targets.mean(0, dtype=np.float64)
    found = Components.of(targets, mean)
    np.testing.assert_allclose(found.basis @ found.basis.T, np.eye(len(found.basis)), atol=1e-9)
    apart = targets - mean
    for kept in range(1, len(found.basis) + 1):
        basis = found.basis[:kept]
        share = 1 - np.square(apart - apart @ basis.T @ basis).sum() / np.square(apart).sum()
        assert share == pytest.approx(found.kept[kept - 1], abs=1e-6)
    assert found.kept[-1] == pytest.approx(1)


def test_components__of_targets_that_never_change_is_one():
    found = Components.of(np.full((5, 3), 2.0), np.full(3, 2.0))
    assert found.basis.shape == (1, 3)
    assert found.kept.tolist() == [1]


def test_components__are_as_many_as_pay_and_more_where_there_is_room():
    kept = np.array([0.5, 0.96, 0.98, 0.99, 0.996, 1.0])
    found = Components(np.eye(6, 20), kept)
    assert found.enough(20, None) == 3
    assert found.enough(5, None) is None
    assert found.enough(20, lambda count: count <= 4) == 4
    assert found.enough(20, lambda count: count <= 2) == 2, "fewer, where all units then fit"
    assert found.enough(20, lambda count: True) == 5
    assert found.enough(20, lambda count: False) == 3


def test_scaling__answers_of_a_basis_are_targets_again():
    _, targets = low_rank(50)
    plain = Scaling.fit(np.zeros((50, 2)), targets, None)
    scaling = with_basis(plain, targets, Components.of(targets, plain.target_mean).basis)
    answers = scaling.standardise_targets(targets.T.copy())
    assert np.abs(answers).max() == pytest.approx(1 / 1.25, rel=1e-4)
    np.testing.assert_allclose(scaling.restore_targets(answers), targets.T, atol=1e-4)


@searched
def test_train__a_wide_stack_of_many_targets_takes_components_by_itself(pairs, tmp_path):
    found = train(make_config(pairs, tmp_path / "run", stack=60, generations=3))
    plain = train(make_config(pairs, tmp_path / "plain", stack=60, generations=3, components=0))
    assert RANK - 2 <= found.module.components <= RANK
    assert plain.module.components is None
    assert f"{found.module.components} components - {OUTPUTS}" in repr(found.module)
    assert found.module.nbytes() < plain.module.nbytes()
    assert found.figures["module"]["r2"] > plain.figures["module"]["r2"] - 0.03
    x, y = low_rank(50, 1)
    answers = found.module.predict(x)
    assert answers.shape == y.shape
    assert np.square(answers - y).mean() < 0.3 * y.var()


@searched
def test_train__figures_are_about_the_targets_and_not_their_components(pairs, tmp_path):
    result = train(make_config(pairs, tmp_path / "run", stack=60, generations=2, components=1))
    with open_dataset(pairs) as data:
        held = data.indices("held-out")
        content = data.read(("inputs", "targets"), held)
        truth, answers = content["targets"], result.module.predict(content["inputs"])
        assert evaluate(result.module, data)["module"]["loss"] == pytest.approx(
            np.square(truth - answers).mean(), rel=1e-4
        )
        validation = data.read(("inputs", "targets"), data.indices("validation"))
    missed = np.square(validation["targets"] - result.module.predict(validation["inputs"])).mean()
    assert result.module.training["validation_loss"] == pytest.approx(missed, rel=1e-3)


@searched
@pytest.mark.parametrize("stored", ["int8", "float16", "float32"])
def test_module__carries_its_basis(pairs, tmp_path, stored):
    result = train(make_config(pairs, tmp_path / "run", stack=20, generations=2, weights=stored))
    file = tmp_path / "run" / "module.safetensors"
    module = load(file)
    assert module.digest == result.module.digest
    np.testing.assert_array_equal(module.scaling.basis, result.module.scaling.basis, strict=True)
    x, _ = low_rank(9, 2)
    np.testing.assert_array_equal(module.predict(x), result.module.predict(x))
    np.testing.assert_allclose(module.program().run(x), module.predict(x), atol=2e-3)


@searched
def test_train__a_budget_counts_the_basis(pairs, tmp_path):
    for budget in (6000, 9000):
        result = train(make_config(pairs, tmp_path / str(budget), budget=budget, generations=1))
        assert result.module.nbytes() <= budget


@searched
def test_train__a_budget_with_no_room_for_all_targets_has_room_for_components(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 60)).astype(np.float32)
    y = np.tanh(x[:, :4]) @ rng.standard_normal((4, 200)).astype(np.float32)
    write_pairs(tmp_path / "p.h5", x, y)
    result = train(make_config(tmp_path / "p.h5", tmp_path / "run", budget=15_000, generations=1))
    assert result.module.components == 4
    assert result.module.nbytes() <= 15_000
    with pytest.raises(ConfigError, match="5000 bytes has no room for a stack of 60 inputs and 200 outputs"):
        train(make_config(tmp_path / "p.h5", tmp_path / "small", budget=5000))


@searched
def test_train__components_are_the_same_for_one_thread_and_through_a_resume(pairs, tmp_path):
    settings = {"stack": 40, "generations": 4}
    train(make_config(pairs, tmp_path / "whole", **settings))
    with threads(1):
        train(make_config(pairs, tmp_path / "one", **settings))
    interrupted(make_config(pairs, tmp_path / "pieces", **settings), (1, 2))
    for other in ("one", "pieces"):
        assert_same_run(tmp_path / "whole", tmp_path / other)


@searched
def test_train__an_affine_map_answers_components_too(pairs, tmp_path):
    result = train(make_config(pairs, tmp_path / "run", generations=60, components=RANK, population=4))
    assert result.module.components == RANK
    assert result.figures["module"]["r2"] > 0.5


def test_config__refuses_components_that_mean_nothing(pairs, tmp_path):
    with pytest.raises(ConfigError, match="components must be fewer than the 40 targets; got 40"):
        train(make_config(pairs, tmp_path / "run", components=OUTPUTS))
    with pytest.raises(ConfigError, match="components keep what mse and contrast measure"):
        make_config(pairs, tmp_path / "run", components=2, loss="mae")
    write_captioned(tmp_path / "c.h5")
    with pytest.raises(ConfigError, match="answers no components of its targets; leave --components out"):
        train(make_config(tmp_path / "c.h5", tmp_path / "run", module="decoder", components=2))


def test_module__a_basis_that_does_not_fit_is_told(pairs, tmp_path):
    result = train(make_config(pairs, tmp_path / "run", generations=1, components=2, population=2))
    module, scaling = result.module, result.module.scaling
    with pytest.raises(ShapeError, match="needs scaling for"):
        replace(module, scaling=replace(scaling, basis=scaling.basis[:, 1:]))
    with pytest.raises(ShapeError, match="needs weights"):
        replace(module, scaling=replace(scaling, basis=None, target_scale=np.ones(OUTPUTS, np.float32)))


@searched
def test_validation__named_parts_count_alike(tmp_path):
    parts = {"train": 30, "validation:concept": 9, "validation:combination": 3, "held-out": 4}
    write_captioned(tmp_path / "c.h5", parts)
    settings = {"module": "denoiser", "view": "text", "stack": 30, "generations": 2}
    module = train(make_config(tmp_path / "c.h5", tmp_path / "run", **settings)).module
    with open_dataset(tmp_path / "c.h5") as data:
        found = evaluate_parts(module, data, split="validation")
        raw = validation_samples(data, module.view, data.indices("validation"), 0)
        assert sorted(len(part.item) for part in parts_of_block(data, raw)) == [3, 9]
    losses = [figures["module"]["loss"] for figures in found.values()]
    assert module.training["validation_loss"] == pytest.approx(np.mean(losses), rel=1e-3)
    assert module.training["validation_loss"] != pytest.approx(np.average(losses, weights=[3, 9]), rel=3e-3)
