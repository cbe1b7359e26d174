"""Drawings of a small set beside closed forms and backprop."""

import json
import sys

import numpy as np
import pytest

from bench import t2i
from bench.studies.text_means import KnownTexts
from olacore.data import open_dataset
from olacore.drawing.generator import Generator
from olacore.drawing.measure import measure
from tests.support.caption_samples import write_captioned
from tests.support.set_samples import write_set


def test_least_squares__chooses_its_shrinkage_apart(tmp_path):
    with open_dataset([write_captioned(tmp_path / "data.h5")]) as data:
        texts = KnownTexts.read(data)
    known = np.flatnonzero(texts.counts)
    # Captions whose latents follow from the embeddings are answered as they are.
    texts.latents[:] = (
        texts.units
        @ np.random.default_rng(0).standard_normal((texts.units.shape[1], 5))
        @ np.ones((5, texts.latents.shape[1]))
    )
    found = t2i.least_squares(texts, known, known)(known)
    assert np.square(found - texts.latents[known]).sum() < 0.01 * np.square(texts.latents[known]).sum()


def test_table__has_closed_forms_and_backprop(tmp_path, monkeypatch, capsys):
    folder = write_set(tmp_path)
    asked = [
        "t2i",
        str(tmp_path / "data.h5"),
        "--set",
        str(folder),
        "--variety",
        "2",
        "--json",
        str(tmp_path / "f.json"),
    ]
    monkeypatch.setattr(sys, "argv", asked)
    t2i.main()
    assert "kernel, all captions" in capsys.readouterr().out
    (figures,) = json.loads((tmp_path / "f.json").read_text()).values()
    assert {"set", "least squares", "kernel, all captions", "mean of 8 nearest"} < {*figures}
    assert figures["set"]["spread"] > 0
    assert figures["set"]["kid"] > figures["nearest caption's"]["kid"]
    assert "kid" not in figures["true pictures"]


def test_backprop__learns(tmp_path):
    with open_dataset([write_captioned(tmp_path / "data.h5")]) as data:
        texts = KnownTexts.read(data)
    known = np.flatnonzero(texts.counts)
    found = t2i.learn(texts, known, 16, 0.5)(known)
    centred = texts.latents[known] - texts.latents[known].mean(0)
    assert np.square(found - texts.latents[known]).sum() < np.square(centred).sum()


def test_measure__has_no_text_mean_where_latents_are_of_another_space(tmp_path):
    generator = Generator(write_set(tmp_path), kernels=False)
    for fingerprint, there in ((generator.fingerprint, True), ("another", False)):
        generator.fingerprint = fingerprint
        figures = measure(generator, tmp_path / "data.h5")
        assert ["text_mean" in part["set"] for part in figures.values()] == [there] * len(figures)


def test_main__says_in_a_sentence_what_is_wrong(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["t2i", str(tmp_path / "none.h5")])
    with pytest.raises(SystemExit, match="error: .*none.h5"):
        t2i.main()
