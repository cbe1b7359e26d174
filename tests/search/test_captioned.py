"""Searches for text modules and denoisers: that they find something, resume, and see training rows alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import olacore
from olacore.blocks import noise_of
from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, FingerprintError
from olacore.quality.evaluation import check_pairing, evaluate, evaluate_parts
from olacore.search.checkpoint import open_checkpoint
from olacore.search.config import TrainConfig
from olacore.search.observers import Started
from olacore.search.train import train
from olacore.views.noisy import OF_FILTER
from tests.support.caption_samples import replace_rows, write_captioned, write_denoised
from tests.support.makers import JIT, module_bytes
from tests.support.searches import interrupted

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")
PARTS = {"train": 34, "validation": 5, "held-out:concept-held-out": 5, "held-out:combination-held-out": 4}
SEARCHES: dict[str, dict[str, Any]] = {
    "words": {"module": "text", "view": "words", "buckets": 256},
    "text": {"module": "denoiser"},
    "whole": {"module": "denoiser", "view": "whole", "level": 0.5},
    "window": {"module": "denoiser", "view": "window", "level": 0.5, "window": 3},
}
STACK: dict[str, Any] = {"population": None, "stack": 8, "generations": 8}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    parent = tmp_path_factory.mktemp("searches")
    write_captioned(parent / "captioned.h5", PARTS)
    write_denoised(parent / "denoised.h5")
    return parent


def config_of(name: str, path, out, **changes) -> TrainConfig:
    asked = {"h5": (path,), "out": out, "generations": 12, "block": 128, "report_every": 4, "population": 4}
    # Without one, several are tried in short searches.
    asked |= {} if "stack" in changes else {"options": {"shrinkage": 0.03}}
    return TrainConfig(**(asked | SEARCHES[name] | changes))


@pytest.mark.parametrize("name", SEARCHES)
def test_train__explains_what_there_is_to_explain(folder, tmp_path, name):
    config = config_of(name, folder / "captioned.h5", tmp_path / "run", generations=40, block=512)
    result = train(config)
    module = olacore.load(tmp_path / "run")
    assert module.digest == result.module.digest
    assert result.module.training["validation_r2"] > {"words": 0.05, "window": 0.6}.get(name, 0.2)
    # The caption's space is no latent space.
    assert (module.space is None) == (name == "words")
    assert ("text_sha256" in module.training) == (name != "window")
    with open_dataset(folder / "captioned.h5") as data:
        again = evaluate_parts(module, data)
        assert again == evaluate_parts(module, data)
    assert [*again] == ["combination-held-out", "concept-held-out"]
    for part, figures in again.items():
        shown = result.figures[part]["module"]["loss"], result.module.training["held_out"][part]["module"]["loss"]
        assert shown == pytest.approx((figures["module"]["loss"],) * 2, rel=1e-5)


@pytest.mark.parametrize(("name", "asked"), [("words", {}), ("window", {}), ("window", {"wiener": 6})])
def test_resume__goes_on_exactly(folder, tmp_path, name, asked):
    config = config_of(name, folder / "captioned.h5", tmp_path / "whole", generations=9, **asked)
    train(config)
    interrupted(replace(config, out=tmp_path / "pieces"), (3, 2))
    assert module_bytes(tmp_path / "whole") == module_bytes(tmp_path / "pieces")
    with pytest.raises(ConfigError, match="was started with"):
        train(replace(config, resume=True, **({"buckets": 64} if name == "words" else {"level": 0.6})))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("words", {}),
        ("text", {}),
        ("whole", {}),
        ("window", {}),
        ("window", STACK),
        ("window", STACK | {"wiener": 6}),
        ("denoised", STACK | {"truth": 0.5}),
        ("denoised", {}),
    ],
)
def test_train__whatever_comes_from_data_sees_training_rows_alone(tmp_path, name, changes):
    ours, other = tmp_path / "a.h5", tmp_path / "b.h5"
    for path in (ours, other):
        write_denoised(path) if name == "denoised" else write_captioned(path)
    replace_rows(other)
    view = "window" if name == "denoised" else name
    states = []
    for path in (ours, other):
        out = tmp_path / path.stem
        # Validation may choose among candidates and options; it makes none.
        train(config_of(view, path, out, **({"generations": 4} | changes)))
        with open_checkpoint(out / "checkpoint.safetensors") as (file, _):
            arrays = file.load()
        # A stack keeps the validation loss that a stage began with; units join where it falls.
        kept = {key for key in arrays if key.startswith(("state_", "input_", "target_"))} - {"state_stage_loss"}
        states.append({key: arrays[key] for key in sorted(kept)})
    assert states[0].keys() == states[1].keys() >= {"state_weights", "input_mean", "target_scale"}
    for key, array in states[0].items():
        np.testing.assert_array_equal(states[1][key], array, err_msg=key)


def test_train__a_teacher_s_level_is_what_the_module_learns(folder, tmp_path):
    config = config_of("window", folder / "denoised.h5", tmp_path / "run", generations=40, block=512)
    result = train(config)
    assert result.module.training["rows"] == 30 * 9
    assert result.figures["module"]["r2"] > 0.5
    with pytest.raises(DataError, match="no row of the data has the level 1"):
        train(replace(config, level=1.0, out=tmp_path / "other"))


def test_train__truth_alone_is_the_latents_at_the_noise_of_their_rows(folder, tmp_path):
    stored = write_denoised(tmp_path / "stored.h5", optional=("noisy", "text_means", "certainty"))
    config = config_of("window", folder / "denoised.h5", tmp_path / "truth", truth=1.0, generations=6)
    ours = train(config).module
    theirs = train(replace(config, h5=(stored,), truth=None, out=tmp_path / "latents")).module
    for one, other in ((ours, theirs), (ours.scaling, theirs.scaling)):
        for name in ("weights", "biases") if one is ours else ours.scaling.tensors:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert ours.view == replace(theirs.view, truth=1.0)


def test_train__targets_with_truth_are_those_that_it_is_measured_by(folder, tmp_path):
    config = config_of("window", folder / "denoised.h5", tmp_path / "run", truth=0.5, **STACK)
    result = train(config)
    interrupted(replace(config, out=tmp_path / "pieces"), (3, 2))
    assert module_bytes(tmp_path / "run") == module_bytes(tmp_path / "pieces")
    module = olacore.load(tmp_path / "run")
    with open_dataset(folder / "denoised.h5") as data:
        figures = evaluate(module, data)
        rows = np.intersect1d(module.view.items(data), data.indices("held-out"))
        found = data.read(["latents", "answers", "noise_seeds", "text_means", "certainty"], rows)
    noisy = found["latents"] + 0.5 * noise_of(found["noise_seeds"], found["latents"].shape[1:])
    said = module.denoise(noisy=noisy, text_means=found["text_means"], certainty=found["certainty"])
    mixed = (found["answers"].astype(np.float32) + found["latents"]) / 2
    for told in (figures, result.figures):
        assert told["module"]["loss"] == pytest.approx(np.square(said - mixed).mean(), rel=1e-4)
    for truth in (None, 0.25):
        with pytest.raises(ConfigError, match=r"was started with truth 0\.5.*; give --truth 0\.5 to go on with it"):
            train(replace(config, resume=True, truth=truth))


@pytest.mark.parametrize(("wiener", "latents"), [(None, 1), (6, 2)])
def test_train__plans_the_memory_of_what_a_pass_makes(folder, tmp_path, wiener, latents):
    """A noisy latent of each row, and a filter's estimate, for the pass in use and the next one."""
    events: list[Any] = []
    config = config_of("window", folder / "captioned.h5", tmp_path / "run", generations=1, wiener=wiener)
    train(config, (events.append,))
    (started,) = (event for event in events if isinstance(event, Started))
    assert started.memory["noisy latents"] == 2 * PARTS["train"] * latents * 2 * 4 * 3 * 3


def test_wiener__without_one_nothing_changes(folder, tmp_path):
    for name, asked in (("none", {}), ("zero", {"wiener": 0})):
        train(config_of("window", folder / "captioned.h5", tmp_path / name, generations=3, **asked))
    assert module_bytes(tmp_path / "none") == module_bytes(tmp_path / "zero")
    assert not [name for name in olacore.load(tmp_path / "none").view.to_dict() if name in OF_FILTER]


def test_settings__that_a_view_does_not_take_are_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="the text view of the denoiser takes no window"):
        train(config_of("text", folder / "captioned.h5", tmp_path / "run", window=3))


def test_pairing__embeddings_of_another_text_teacher_are_refused(folder, tmp_path):
    modules = {
        name: train(config_of(name, folder / "captioned.h5", tmp_path / name, generations=1)).module
        for name in ("text", "window")
    }
    with open_dataset(write_captioned(tmp_path / "other.h5", text="another")) as data:
        with pytest.raises(FingerprintError, match=r"with those of letters .*, the data have those of another"):
            check_pairing(modules["text"], data)
        check_pairing(modules["window"], data)


def test_evaluate__never_gives_the_mean_of_parts(folder, tmp_path):
    module = train(config_of("text", folder / "captioned.h5", tmp_path / "run", generations=1)).module
    with open_dataset(folder / "captioned.h5") as data:
        with pytest.raises(DataError, match="held-out rows are of combination-held-out, concept-held-out: measure"):
            evaluate(module, data)
        assert "module" in evaluate(module, data, split="validation")
        assert [*evaluate_parts(module, data, split="train")] == ["train"]
