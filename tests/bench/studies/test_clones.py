"""Clones of a denoiser beside what they learnt from."""

import numpy as np
import pytest

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
        found = compare(data, load(tmp_path / "run"))
    assert {*found} == {"one", "two"}
    for figures in found.values():
        assert figures["ratio"] == pytest.approx(figures["module"] / figures["teacher"])
        assert np.isfinite(figures["noise r2"])
        assert figures["noise r2"] <= 1
