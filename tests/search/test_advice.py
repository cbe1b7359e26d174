"""What a search says in words: few pictures, and figures that should have been better."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.sample import sample_path
from olacore.modules.module import load
from olacore.quality.evaluation import evaluate, loss_on
from olacore.search.advice import ended_by_default, few_pictures, nothing_learned, poor_figures, shipped_name
from olacore.search.train import train
from tests.support.makers import JIT, make_config, write_pairs, write_pictures, write_plain


def test_few_pictures__says_how_many_there_are_and_what_to_do(tmp_path):
    with open_dataset([sample_path()]) as sample:
        assert few_pictures(sample, "encoder", sample.indices("train")) is None
        one_scene = sample.indices("train")[:1]
        told = few_pictures(sample, "encoder", one_scene)
        assert told.startswith("1 training picture of 1 scene are few")
        assert told.endswith("use sd15-encoder, or add pictures of other scenes.")
    with open_dataset([write_pictures(tmp_path / "data.h5", (5, 2, 2))]) as data:
        told = few_pictures(data, "encoder", data.indices("train"))
        assert told.startswith("5 training pictures of 5 scenes are few")
        assert told.endswith("them alone: add pictures of other scenes.")
    with open_dataset([write_plain(tmp_path / "plain.h5")]) as pairs:
        assert few_pictures(pairs, "plain", pairs.indices("train")) is None


def test_shipped_name__is_that_of_the_same_latents_and_kind(tmp_path):
    with open_dataset([sample_path()]) as sample, open_dataset([write_pictures(tmp_path / "data.h5")]) as other:
        assert [shipped_name(sample, kind) for kind in ("encoder", "decoder", "denoiser")] == [
            "sd15-encoder", "sd15-decoder", None
        ]  # fmt: skip
        assert shipped_name(other, "encoder") is None


def test_loss_on__is_what_tables_show(tmp_path):
    module = load("sd15-decoder").with_refiner(None)
    with open_dataset([sample_path()]) as sample:
        table = evaluate(module, sample)["module"]["loss"]
        assert loss_on(module, sample, sample.indices("held-out")) == pytest.approx(table, rel=1e-4)


def spoiled(module):
    """The same module, with biases that no data ask for."""
    return replace(module, biases=module.biases + np.float32(0.5))


def test_poor_figures__calls_what_is_poor_by_its_name():
    good = load("sd15-decoder").with_refiner(None)
    bad = spoiled(good)
    with open_dataset([sample_path()]) as sample:
        held_out = sample.indices("held-out")
        parts = {"held-out": evaluate(good, sample)}
        assert list(poor_figures(good, sample, parts, held_out)) == []
        figures = {name: {"loss": loss} for name, loss in (("module", 0.5), ("mean", 0.5), ("block_mean", 0.1))}
        told = list(poor_figures(bad, sample, {"held-out": figures}, held_out))
    assert "no better than the mean of the targets, whatever is put in (squared error 0.5, its 0.5)" in told[0]
    assert "no better than the mean colour of each block" in told[1]
    assert told[2].startswith("this is worse than sd15-decoder, which comes with the package: squared error ")
    assert told[2].endswith("on 6 held-out pictures.")
    assert len(told) == 3


def test_poor_figures__counts_a_loss_that_is_no_number_as_poor(tmp_path):
    with open_dataset([write_pictures(tmp_path / "data.h5")]) as data:
        figures = {"module": {"loss": float("nan")}, "mean": {"loss": 0.5}}
        assert len(list(poor_figures(load("sd15-decoder"), data, {"x": figures}, np.arange(0)))) == 1


def test_nothing_learned__says_so_of_what_was_cut_short_and_of_nothing_else():
    told = nothing_learned({"validation_r2": 0.0, "generations": 1}, "time")
    assert "its time was over after 1 generation, and on validation samples it is no better than the mean" in told
    assert "it ended after 20 generations" in nothing_learned({"validation_r2": -1.0, "generations": 20}, "frozen")
    assert nothing_learned({"validation_r2": 0.1, "generations": 1}, "time") is None


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
def test_train__says_that_the_default_generations_were_over_before_the_time(tmp_path):
    rng = np.random.default_rng(0)
    data = tmp_path / "p.h5"
    write_pairs(data, *(rng.standard_normal((400, 3)).astype(np.float32) for _ in range(2)))
    asked = {"module": None, "stack": 16, "strategy": "wide", "population": None, "seconds": 300.0, "generations": None}
    config = make_config(data, tmp_path / "run", **asked)
    result = train(config)
    assert (result.stopped, result.module.training["generations"]) == ("generations", 6)
    assert result.notes[-1] == "stopped after the default 6 generations; --generations searches longer."
    for other, stopped in (({"generations": 6}, "generations"), ({"seconds": None}, "generations"), ({}, "time")):
        assert ended_by_default(replace(config, **other), stopped) is None


def test_train__tells_of_a_refiner_that_had_no_time(tmp_path):
    asked = {"module": "refiner", "pictures_from": "sd15-decoder-small", "stack": 16, "generations": 1}
    result = train(make_config(sample_path(), tmp_path / "run", **asked))
    assert result.notes[-1].startswith("it has learned nothing that shows: it ended after 1 generation")


def test_train__says_it_before_and_beside_the_result(pictures, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        result = train(make_config(pictures, tmp_path / "run"))
    assert "6 training pictures of 6 scenes are few" in caplog.text
    assert result.notes[0] in caplog.text
