"""Clones of a denoiser beside what they learnt from."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from bench.studies import clones
from bench.studies.clones import compare
from olacore.data import open_dataset
from olacore.modules.module import load
from olacore.search.train import train
from tests.support.caption_samples import write_denoised
from tests.support.makers import JIT, make_config


@pytest.mark.skipif(not JIT, reason="a search")
def test_compare__measures_teacher_and_module_by_the_true_latents(tmp_path):
    splits = {"train": 30, "validation": 6, "held-out:one": 5, "held-out:two": 4}
    rows = write_denoised(tmp_path / "rows.h5", splits, ("answers", "text_means", "certainty"))
    asked = {"module": "denoiser", "view": "window", "level": 2.0, "window": 3, "generations": 2}
    train(make_config(rows, tmp_path / "run", **asked))
    with open_dataset([rows]) as data:
        found = compare(data, module := load(tmp_path / "run"))
        # Beside teacher and latents, whatever the module's own targets were.
        assert compare(data, replace(module, view=replace(module.view, truth=0.5))) == found
    assert {*found} == {"one", "two"}
    for figures in found.values():
        assert figures["ratio"] == pytest.approx(figures["module"] / figures["teacher"])
        assert np.isfinite(figures["noise r2"])
        assert figures["noise r2"] <= 1


@pytest.mark.skipif(not JIT, reason="a search")
def test_main__measures_the_mean_of_modules_of_one_level(tmp_path, monkeypatch, capsys):
    rows = write_denoised(
        tmp_path / "rows.h5", {"train": 30, "validation": 6, "held-out": 9}, ("answers", "text_means", "certainty")
    )
    asked = {"module": "denoiser", "view": "window", "level": 2.0, "window": 3, "generations": 2}
    for seed in (0, 1):
        train(make_config(rows, tmp_path / f"run-{seed}", seed=seed, **asked))
    monkeypatch.setattr(sys, "argv", ["clones", str(rows), *(str(tmp_path / f"run-{seed}") for seed in (0, 1))])
    clones.main()
    one, other, mean = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (mean["mean of"], mean["bytes"]) == (2, one["bytes"] + other["bytes"])
    (part,) = mean["left"]
    with open_dataset([rows]) as data:
        modules = [load(tmp_path / f"run-{seed}") for seed in (0, 1)]
        given, found = clones.given_of(
            data, modules[0].view, np.intersect1d(modules[0].view.items(data), data.indices("held-out"))
        )
    answers = [module.run(given) for module in modules]
    missed = [np.square(answer - found["latents"]).mean() for answer in (*answers, (answers[0] + answers[1]) / 2)]
    left = [told["left"][part]["module"] for told in (one, other, mean)]
    np.testing.assert_allclose(np.divide(left, left[0]), np.divide(missed, missed[0]), rtol=1e-4)
