"""Answers of modules to samples that they did not see: who answers what, and that nothing leaks."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import olacore
from olacore.data import open_dataset, write_pairs
from olacore.data.texts import folds_of, read_texts
from olacore.errors import ConfigError
from olacore.search.observers import Event, Finished, Folding
from olacore.search.train import train
from teachers.jobs.text_means import read_text_means
from tests.support.caption_samples import write_captioned
from tests.support.makers import JIT, make_config
from tests.support.searches import assert_same_run

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")
PARTS = {"train": 34, "validation": 5, "held-out:concept-held-out": 5, "held-out:combination-held-out": 4}


def pairs(path: Path, spoilt: np.ndarray | None = None) -> Path:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 6)).astype(np.float32)
    y = np.sin(x @ rng.standard_normal((6, 3))).astype(np.float32)
    if spoilt is not None:
        y[spoilt] = 9
    write_pairs(path, x, y)
    return path


def settings(path: Path, out: Path, **changes):
    return make_config(path, out, **({"stack": 20, "generations": 2, "folds": 3} | changes))


@pytest.fixture(scope="module")
def folded(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("folded")
    events: list[Event] = []
    train(settings(pairs(folder / "p.h5"), folder / "run"), [events.append])
    assert events[-3:] == [Folding(1, 3), Folding(2, 3), Folding(3, 3)]
    assert isinstance(events[-4], Finished)
    return folder


def test_folds__each_module_answers_what_it_did_not_see(folded):
    with np.load(folded / "run" / "answers.npz") as file, open_dataset(folded / "p.h5") as data:
        answers, folds = file["answers"], file["folds"]
        inputs, trained = data.read(("inputs",), np.arange(200))["inputs"], data.indices("train")
    assert (np.flatnonzero(folds >= 0) == trained).all()
    assert np.ptp(np.bincount(folds[trained])) <= 1
    for fold in range(-1, 3):
        module = olacore.load(folded / "run" / (f"fold-{fold:02}" if fold >= 0 else ""))
        mine = folds == fold
        np.testing.assert_array_equal(answers[mine], module.predict(inputs[mine]))
        assert module.training["options"] == olacore.load(folded / "run").training["options"]


def test_folds__a_fold_s_targets_do_not_change_its_answers(folded, tmp_path):
    with np.load(folded / "run" / "answers.npz") as file:
        before, folds = file["answers"], file["folds"]
    width = olacore.load(folded / "run").training["options"]["width"]
    path = pairs(tmp_path / "p.h5", np.flatnonzero(folds == 1))
    train(settings(path, tmp_path / "run", strategy="wide", options={"width": width}))
    with np.load(tmp_path / "run" / "answers.npz") as file:
        np.testing.assert_array_equal(file["folds"], folds)
        np.testing.assert_array_equal(file["answers"][folds == 1], before[folds == 1])
        assert not np.array_equal(file["answers"][folds == 0], before[folds == 0])


def test_folds__an_interrupted_run_goes_on_to_the_same_answers(folded, tmp_path):
    config = settings(folded / "p.h5", tmp_path / "run")
    for stop in range(4):  # in the second generation of the module, then of each fold's
        asked = iter([False, True])
        result = train(replace(config, resume=stop > 0), should_stop=lambda asked=asked: next(asked))
        assert result.stopped == "interrupted"
        assert not (tmp_path / "run" / "answers.npz").exists()
    train(replace(config, resume=True))
    assert (tmp_path / "run" / "answers.npz").read_bytes() == (folded / "run" / "answers.npz").read_bytes()
    for folder in ("", "fold-00", "fold-02"):
        assert_same_run(folded / "run" / folder, tmp_path / "run" / folder)


def test_folds__a_forced_run_that_was_interrupted_takes_none_of_the_run_before_it(folded, tmp_path):
    shutil.copytree(folded / "run", tmp_path / "run")
    (tmp_path / "run" / "fold-01" / "notes.txt").write_text("mine")
    config = settings(folded / "p.h5", tmp_path / "run", seed=1)
    asked = iter([False, True])
    assert train(replace(config, force=True), should_stop=lambda: next(asked)).stopped == "interrupted"
    assert [path.relative_to(tmp_path / "run") for path in sorted(tmp_path.glob("run/fold-*/*"))] == [
        Path("fold-01", "notes.txt")
    ]
    train(replace(config, resume=True))
    assert (tmp_path / "run" / "answers.npz").read_bytes() != (folded / "run" / "answers.npz").read_bytes()


def test_folds__of_captions_are_text_means_for_denoisers(tmp_path):
    write_captioned(tmp_path / "c.h5", PARTS)
    train(settings(tmp_path / "c.h5", tmp_path / "run", module="denoiser", view="text"))
    with open_dataset(tmp_path / "c.h5") as data:
        texts, shape = read_texts(data), data.latent_shape
    captions, arrays = read_text_means(tmp_path / "run" / "answers.npz", shape)
    assert captions == texts.captions
    own = folds_of(texts, 3, 0)
    for fold in (-1, 0, 2):
        module = olacore.load(tmp_path / "run" / (f"fold-{fold:02}" if fold >= 0 else ""))
        found = module.denoise(embeddings=texts.embeddings[own == fold])
        np.testing.assert_array_equal(arrays["text_means"][own == fold], found.astype(np.float16))
    assert arrays["certainty"].shape == (48, 2)


def test_folds__what_cannot_be_folded_is_refused(folded, tmp_path):
    with pytest.raises(ConfigError, match="folds must be at least 2; got 1"):
        settings(folded / "p.h5", tmp_path / "run", folds=1)
    write_captioned(tmp_path / "c.h5", PARTS)
    with pytest.raises(ConfigError, match="--folds is for plain pairs and for denoisers of the view text; got the"):
        train(settings(tmp_path / "c.h5", tmp_path / "run", module="decoder"))
    with pytest.raises(ConfigError, match="folds must be 2 to 34, the training captions that share no picture; got 50"):
        train(settings(tmp_path / "c.h5", tmp_path / "run", module="denoiser", view="text", folds=50))
    with pytest.raises(ConfigError, match="pair"):
        train(settings(tmp_path / "c.h5", tmp_path / "run", module="pair", stack=None))
