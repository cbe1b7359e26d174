"""Stacks from end to end: equal bytes however often interrupted, files within their budget, growth that pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset, write_pairs
from olacore.errors import ConfigError, DataError
from olacore.modules.module import load
from olacore.quality.evaluation import evaluate
from olacore.search.observers import Reported
from olacore.search.train import train
from tests.support.makers import JIT, make_config, module_bytes, threads, write_pictures
from tests.support.searches import assert_same_run, interrupted

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")


@pytest.fixture(scope="module")
def curved(tmp_path_factory) -> Path:
    """Plain pairs that no affine map explains."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((600, 3))
    y = np.stack([np.sin(1.5 * x[:, 0] + x[:, 1]), np.cos(1.5 * x[:, 2])], 1)
    path = tmp_path_factory.mktemp("data") / "curved.h5"
    write_pairs(path, x.astype(np.float32), y.astype(np.float32))
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data") / "pictures.h5", (12, 3, 3), (24, 24))


def stacked(path: Path, out: Path, **changes):
    """Settings of a stack of 8 units; half of them join after 7 generations, all after 14."""
    return make_config(path, out, **({"stack": 8, "block": 256, "generations": 20} | changes))


@pytest.fixture(scope="module")
def whole(curved, tmp_path_factory) -> Path:
    """A run that nothing interrupted, on two threads where the machine lends them."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(stacked(curved, out))
    return out


def test_train__a_stack_beats_least_squares(curved, tmp_path):
    result = train(stacked(curved, tmp_path / "run", stack=16, generations=60))
    assert result.module.layers == (3, 16, 2)
    assert result.figures["module"]["loss"] < 0.6 * result.figures["least_squares"]["loss"]
    with open_dataset(curved) as data:
        again = evaluate(load(tmp_path / "run"), data)
    assert again["module"]["loss"] == pytest.approx(result.figures["module"]["loss"], rel=1e-6)


# Before units join, between half and all of them, and around both moments.
@pytest.mark.parametrize("stops", [(5, 5), (7, 7), (6, 1, 6, 1)])
def test_train__an_interrupted_stack_is_the_uninterrupted_one(curved, whole, tmp_path, stops):
    interrupted(stacked(curved, tmp_path / "pieces"), stops)
    assert_same_run(whole, tmp_path / "pieces")


def test_train__a_stack_has_the_same_bytes_for_one_thread(curved, whole, tmp_path):
    with threads(1):
        train(stacked(curved, tmp_path / "one"))
    assert_same_run(whole, tmp_path / "one")


def test_resume__a_stack_names_another_size_or_budget(curved, whole):
    config = stacked(curved, whole, resume=True)
    with pytest.raises(ConfigError, match="was started with stack 8, not 9; give --stack 8 to go on"):
        train(replace(config, stack=9))
    with pytest.raises(ConfigError, match="was started without budget, not 50000; leave --budget out"):
        train(replace(config, budget=50_000))


def test_resume__a_stack_cools_down_over_what_it_was_started_with(curved, whole):
    with pytest.raises(ConfigError, match="was started with generations 20, not 400; give --generations 20 to"):
        train(replace(stacked(curved, whole, resume=True), generations=400))


def test_train__growth_stops_where_it_does_not_pay(tmp_path, caplog):
    rng, path = np.random.default_rng(0), tmp_path / "affine.h5"
    x = rng.standard_normal((4000, 5), np.float32)
    noise = rng.standard_normal((4000, 3), np.float32)
    write_pairs(path, x, x @ rng.standard_normal((5, 3), np.float32) + noise)
    with caplog.at_level("INFO", "olacore.strategies.stack.strategy"):
        result = train(stacked(path, tmp_path / "run"))
    assert "more units no longer pay: the stack stays at 4" in caplog.text
    assert result.module.layers in ((5, 3), (5, 4, 3))


def test_train__says_that_a_search_ends_before_its_units_join(curved, tmp_path, caplog):
    assert train(stacked(curved, tmp_path / "run", generations=6)).module.hidden == ()
    assert "hidden units join after 7 generations: this search ends before" in caplog.text


@pytest.mark.parametrize("stored", ["float16", "int8"])
def test_train__a_budget_alone_is_filled(curved, tmp_path, stored):
    result = train(stacked(curved, tmp_path / "run", stack=None, budget=5000, weights=stored))
    module = load(tmp_path / "run")
    assert module.stored == stored
    assert len(module_bytes(tmp_path / "run")) == result.module.nbytes() <= 5000
    assert module.layers[1] >= 20
    np.testing.assert_array_equal(module.weights, result.module.weights)


def test_train__a_budget_cuts_a_stack_and_has_to_have_room_for_one(curved, tmp_path):
    result = train(stacked(curved, tmp_path / "run", stack=4000, budget=4400))
    assert 1 <= result.module.layers[1] < 20
    with pytest.raises(ConfigError, match="a file of 4000 bytes has no room for a stack of 3 inputs and 2 outputs"):
        train(stacked(curved, tmp_path / "none", budget=4000))
    assert not (tmp_path / "none").exists()


def test_train__a_stack_refuses_nonfinite_data(tmp_path):
    x, y = np.random.default_rng(0).standard_normal((2, 50, 3))
    y[9, 1] = np.nan
    write_pairs(tmp_path / "p.h5", x, y)
    with pytest.raises(DataError, match=r"1 of 50 rows hold NaN or inf in inputs or targets \(first at 9\)"):
        train(stacked(tmp_path / "p.h5", tmp_path / "run"))


def test_train__contrast_stores_and_lowers_its_own_loss(pictures, tmp_path):
    lines: list[dict] = []
    changes = {"module": "decoder", "loss": "contrast", "strategy": "stack", "generations": 16, "report_every": 4}
    config = stacked(pictures, tmp_path / "run", **changes)
    result = train(config, (lambda event: lines.append(event.line) if isinstance(event, Reported) else None,))
    assert result.module.training["loss"] == "contrast"
    assert lines[-1]["best_validation_loss"] < 0.5 * lines[0]["validation_loss"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"stack": 0}, "stack must be at least 1; got 0"),
        ({"budget": 0}, "budget must be at least 1; got 0"),
        ({"strategy": "classic"}, "a stack is evolved by the strategies stack or wide; got 'classic'"),
        ({"loss": "mae"}, "the strategy stack minimises mse or contrast, all outputs alike; got 'mae'"),
        (
            {"output_weights": (1, 2)},
            "all outputs alike; got 'mse' with output weights",
        ),
        (
            {"stack": None, "loss": "contrast"},
            "rows minimises mse or mae or huber or cosine; got 'contrast'",
        ),
        ({"population": 80}, "the strategy stack has no choice of a population; leave --population out"),
    ],
)
def test_config__names_what_does_not_go_with_a_stack(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        stacked(tmp_path, tmp_path, **changes)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"module": "encoder"}, "the loss contrast weighs patches of pixels; got the patch encoder"),
        ({"module": "decoder", "view": "global"}, "the loss contrast weighs patches of pixels; got the global decoder"),
    ],
)
def test_train__contrast_needs_patches_of_pixels(pictures, tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        train(stacked(pictures, tmp_path / "run", loss="contrast", **changes))


def test_train__contrast_refuses_plain_pairs(curved, tmp_path):
    with pytest.raises(ConfigError, match="the loss contrast weighs patches of pixels; got the plain"):
        train(stacked(curved, tmp_path / "run", loss="contrast"))
