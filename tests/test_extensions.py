"""One of everything is added from here, without a change to the product: a registry entry has to be enough."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import olacore
from olacore.blocks import every_row
from olacore.data import open_dataset
from olacore.errors import ConfigError
from olacore.exports.base import EXPORTERS, Part, export
from olacore.losses.base import LOSSES
from olacore.modules.kinds import KINDS
from olacore.modules.module import load
from olacore.quality.evaluation import evaluate
from olacore.search.backends import BACKENDS, Local
from olacore.search.observers import Event, Finished, Reported, Started, Validated
from olacore.search.plans import PLANS
from olacore.search.train import train, train_each
from olacore.strategies import STRATEGIES
from olacore.views import VIEWS, add_view
from olacore.views.scaling import Scaling
from tests.support.makers import (
    JIT,
    affine_latents,
    make_config,
    module_bytes,
    smooth_pictures,
    write_pictures,
    write_plain,
)
from tests.support.searches import interrupted
from tests.support.toys import LOPSIDED, Backwards, Cleaner, NoisyMean, Summary, Twice, Wander

needs_jit = pytest.mark.skipif(not JIT, reason="too many products without the JIT")


@pytest.fixture(autouse=True)
def _forgotten():
    """Leave every registry as it was."""
    registries = (STRATEGIES, KINDS, LOSSES, EXPORTERS, BACKENDS, PLANS, VIEWS)
    before = [dict(registry) for registry in registries]
    yield
    for registry, kept in zip(registries, before, strict=True):
        registry.clear()
        registry.update(kept)


def test_strategy__a_new_one_trains_on_the_scale_of_ours(tmp_path):
    STRATEGIES.add(Wander)
    path = write_plain(tmp_path / "p.h5", 300)
    config = make_config(path, tmp_path / "run", strategy="wander", options={"sigma": "0.1"}, generations=40)
    result = train(replace(config, population=16))
    ours = train(make_config(path, tmp_path / "rows"))
    np.testing.assert_array_equal(result.module.scaling.target_scale, ours.module.scaling.target_scale)
    assert result.figures["module"]["loss"] < 0.8 * result.figures["mean"]["loss"]
    assert result.module.training["strategy"] == "wander"
    with pytest.raises(ConfigError, match="the strategy wander has no option 'sigmoid'; its options are sigma"):
        replace(config, options={"sigmoid": 1})


def test_strategy__a_new_one_is_resumed_exactly(tmp_path):
    STRATEGIES.add(Wander)
    config = make_config(write_plain(tmp_path / "p.h5"), tmp_path / "whole", strategy="wander", generations=9)
    train(config)
    interrupted(replace(config, out=tmp_path / "pieces"), (3, 2))
    assert module_bytes(tmp_path / "whole") == module_bytes(tmp_path / "pieces")


def test_view_and_kind__new_ones_train_are_measured_stored_and_run(tmp_path):
    add_view(NoisyMean)
    KINDS.add(Cleaner())
    path = write_pictures(tmp_path / "p.h5", (40, 8, 8), (16, 16))
    result = train(make_config(path, tmp_path / "run", module="cleaner", generations=12, options={"shrinkage": 0.1}))
    assert result.figures["module"]["r2"] > 0.5
    module = load(tmp_path / "run")
    assert (module.kind, module.view) == ("cleaner", NoisyMean(4))
    with open_dataset(path) as data:
        assert evaluate(module, data)["module"]["loss"] == pytest.approx(result.figures["module"]["loss"], rel=1e-6)
        latents = data.read(("latents",), data.indices("held-out"))["latents"]
    answers = module.run({"latents": latents, "level": np.zeros(len(latents), np.float32)})
    assert answers.shape == (8, 4)
    means = latents.astype(np.float32).mean((2, 3))
    assert np.square(answers - means).mean() < 0.3 * np.square(means - means.mean(0)).mean()


def test_view__noise_is_fixed_by_seed_pass_and_item():
    view, identity = NoisyMean(4), Scaling.identity(5, 4)
    latents = affine_latents(smooth_pictures(6, 16, 16))
    raw = every_row({"latents": latents}, 1)

    def cut(**changes):
        return view.gather(replace(raw, **changes), identity).inputs[0, :, :6]

    first = cut(seed=3, pass_=1)
    np.testing.assert_array_equal(cut(seed=3, pass_=1), first)
    assert (cut(seed=4, pass_=1) != first).all()
    assert (cut(seed=3, pass_=2) != first).all()
    # An item has the same noise in whatever block it comes, and in whatever place.
    order = np.array([4, 0, 2])
    some = replace(raw, arrays={"latents": latents[order]}, indices=order, item=np.arange(3, dtype=np.int32))
    some = replace(some, site=np.zeros(3, np.int32), seed=3, pass_=1)
    np.testing.assert_array_equal(view.gather(some, identity).inputs[0, :, :3], first[:, order])


@needs_jit
def test_loss__a_new_one_is_minimised_and_shown(tmp_path):
    LOSSES.add(LOPSIDED)
    path = write_plain(tmp_path / "p.h5", 400, noise=0.2)
    result = train(make_config(path, tmp_path / "run", loss="lopsided", generations=20))
    assert result.module.training["loss"] == "lopsided"
    with open_dataset(path) as data:
        known = data.read(("inputs", "targets"), data.indices("train"))
    # A fifth is the quantile that this loss asks for.
    assert (result.module.predict(known["inputs"]) > known["targets"]).mean() < 0.35


def test_exporter__a_new_one_reads_the_program(tmp_path):
    EXPORTERS.add(Summary())
    module = olacore.load("sd15-decoder")
    parts = [Part.of("sd15-decoder", module)]
    export(parts, "summary", tmp_path / "sd15.json", options={"digits": "1"})
    assert json.loads((tmp_path / "sd15.json").read_text()) == {"sizes": list(module.layers), "kind": "decoder"}
    with pytest.raises(ConfigError, match=r"the exporter summary writes .json files; got 'sd15.txt'"):
        export(parts, "summary", tmp_path / "sd15.txt")
    with pytest.raises(ConfigError, match="the exporter summary has no option 'size'; there are: digits"):
        export(parts, "summary", tmp_path / "other.json", options={"size": "1"})
    with pytest.raises(ConfigError, match="the option digits is a number; got 'x'"):
        export(parts, "summary", tmp_path / "other.json", options={"digits": "x"})
    with pytest.raises(ConfigError, match="summary takes at once: 1; got 2 .sd15-decoder, sd15-decoder."):
        export(parts * 2, "summary", tmp_path / "other.json")
    with pytest.raises(ConfigError, match="there is no exporter 'png'; there are .*npz.*, summary"):
        export(parts, "png", tmp_path / "sd15.png")


def test_backend__a_new_one_maps_jobs(tmp_path):
    BACKENDS.add(Backwards)
    path = write_plain(tmp_path / "p.h5")
    configs = [make_config(path, tmp_path / str(seed), seed=seed, generations=2) for seed in (0, 1)]
    results = train_each(configs, "backwards")
    assert [result.module.training["seed"] for result in results] == [0, 1]
    for config, result in zip(configs, results, strict=True):
        again = train(replace(config, out=tmp_path / f"again{config.seed}"))
        np.testing.assert_array_equal(again.module.weights, result.module.weights)


@needs_jit
def test_backend__local_processes_give_what_this_process_does(tmp_path):
    path = write_plain(tmp_path / "p.h5")
    configs = [make_config(path, tmp_path / str(seed), seed=seed, generations=2) for seed in (0, 1)]
    results = train_each(configs, "local", workers=1)
    here = train_each([replace(config, out=tmp_path / f"here{config.seed}") for config in configs])
    for one, other in zip(results, here, strict=True):
        np.testing.assert_array_equal(one.module.weights, other.module.weights)
    with pytest.raises(ConfigError, match="workers must be 0 or more; got -1"):
        Local(-1)


def test_plan__a_new_one_is_what_module_asks_for(tmp_path):
    PLANS.add(Twice())
    add_view(type("TwicePatch", (VIEWS["encoder"]["patch"],), {"kind": "twice"}))
    path = write_pictures(tmp_path / "p.h5", (6, 2, 2), (24, 16))
    result = train(make_config(path, tmp_path / "run", module="twice", border=0, generations=3))
    assert {folder.name for folder in (tmp_path / "run").iterdir()} == {"0", "1"}
    assert result.module.kind == "encoder"


def test_callbacks__see_every_event_in_order(tmp_path):
    events: list[Event] = []
    result = train(make_config(write_plain(tmp_path / "p.h5"), tmp_path / "run", generations=4), (events.append,))
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    np.testing.assert_array_equal(events[-1].module.weights, result.module.weights)
    lines = [event for event in events if isinstance(event, Reported)]
    assert [event.line["generation"] for event in lines] == [1, 2, 4]
    # What is validated at the end is kept, but no longer reported.
    validated = [event.loss for event in events if isinstance(event, Validated)]
    assert [event.line["validation_loss"] for event in lines] == validated[:-1]
    assert np.isfinite(lines[-1].module().weights).all()
