"""Wide stacks from end to end: chosen by the data's shape, equal bytes however often interrupted, within the budget."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import write_pairs
from olacore.errors import ConfigError
from olacore.modules.module import load
from olacore.search.observers import Event, Trying
from olacore.search.train import train
from tests.support.makers import JIT, make_config, threads
from tests.support.searches import assert_same_run, interrupted

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")


@pytest.fixture(scope="module")
def families(tmp_path_factory) -> Path:
    """Plain pairs of 40 families, each with targets of its own, which no affine map of 16 inputs knows."""
    rng = np.random.default_rng(0)
    middles, answers = rng.standard_normal((40, 16)), rng.standard_normal((40, 3))
    family = np.arange(500) % 40
    x = 1000 + 50 * (middles[family] + 0.3 * rng.standard_normal((500, 16)))
    path = tmp_path_factory.mktemp("data") / "families.h5"
    write_pairs(path, x.astype(np.float32), answers[family].astype(np.float32))
    return path


def settings(path: Path, out: Path, **changes):
    return make_config(path, out, **({"stack": 100, "generations": 8} | changes))


@pytest.fixture(scope="module")
def whole(families, tmp_path_factory) -> Path:
    """A run that nothing interrupted, on two threads where the machine lends them."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    train(settings(families, out))
    return out


def test_train__a_stack_for_few_samples_is_wide_and_beats_least_squares(families, tmp_path):
    events: list[Event] = []
    result = train(settings(families, tmp_path / "run"), [events.append])
    trials = [event for event in events if isinstance(event, Trying)]
    assert events[: len(trials)] == trials, "they come before the search"
    assert [trial.number for trial in trials] == [*range(1, len(trials) + 1)]
    assert trials[0] == Trying(1, None, "100 units of width 2")
    assert result.module.training["strategy"] == "wide"
    assert result.module.layers == (16, 100, 3)
    assert result.module.stored == "int8"
    assert result.figures["module"]["loss"] < 0.2 * result.figures["least_squares"]["loss"]


@pytest.mark.parametrize(
    "changes", [{"stack": 8}, {"strategy": "stack"}, {"options": {"directions": 8}}], ids=["few", "named", "options"]
)
def test_train__few_units_or_a_named_strategy_are_no_wide_stack(families, tmp_path, changes):
    result = train(settings(families, tmp_path / "run", **{"generations": 1, **changes}))
    assert result.module.training["strategy"] == "stack"


@pytest.mark.parametrize("stops", [(1, 1), (3, 2)])
def test_train__an_interrupted_wide_stack_is_the_uninterrupted_one(families, whole, tmp_path, stops):
    interrupted(settings(families, tmp_path / "pieces"), stops)
    assert_same_run(whole, tmp_path / "pieces")


def test_train__a_wide_stack_has_the_same_bytes_for_one_thread(families, whole, tmp_path):
    with threads(1):
        train(settings(families, tmp_path / "one"))
    assert_same_run(whole, tmp_path / "one")


@pytest.mark.parametrize("stored", ["int8", "float16", "float32"])
def test_train__a_budget_is_kept_whatever_the_form(families, tmp_path, stored):
    result = train(settings(families, tmp_path / "run", stack=None, budget=7000, weights=stored, generations=2))
    file = tmp_path / "run" / "module.safetensors"
    assert 3500 < file.stat().st_size <= 7000
    np.testing.assert_array_equal(load(file).weights, result.module.weights)


def test_train__inputs_in_any_scale_are_the_same_search(families, whole):
    # The families lie at 1000 with a spread of 50: means are stored as exactly as that asks for.
    module = load(whole / "module.safetensors")
    assert module.training["validation_r2"] > 0.9
    assert module.training["held_out"]["module"]["r2"] > 0.9


def test_train__too_many_samples_are_told(tmp_path):
    path = tmp_path / "many.h5"
    x = np.zeros((21_000, 1), np.float32)
    write_pairs(path, x, x)
    with pytest.raises(ConfigError, match=r"takes at most 16384 training samples, all at once; the data hold 16800"):
        train(settings(path, tmp_path / "run", strategy="wide"))


def test_train__says_what_widths_were_tried(families, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="olacore"):
        result = train(replace(settings(families, tmp_path / "run"), generations=1))
    assert "a trial of 100 units of width" in caplog.text
    assert result.module.training["options"]["width"] > 0
