"""Denoisers beside the best linear ones."""

import numpy as np
import pytest

from bench.studies.clones import given_of
from bench.studies.denoisers import compare
from bench.studies.text_to_latent import parts_of
from olacore.data import open_dataset
from olacore.modules.module import load
from olacore.search.train import train
from tests.support.caption_samples import write_denoised
from tests.support.makers import JIT, make_config


@pytest.mark.skipif(not JIT, reason="a search")
@pytest.mark.parametrize("wiener", [None, 12])
def test_compare__has_every_part(tmp_path, wiener):
    splits = {"train": 30, "validation": 6, "held-out:one": 5, "held-out:two": 4}
    rows = write_denoised(tmp_path / "rows.h5", splits, ("text_means", "certainty"))
    asked = {"module": "denoiser", "view": "window", "level": 2.0, "window": 3, "generations": 2, "wiener": wiener}
    train(make_config(rows, tmp_path / "run", **asked))
    with open_dataset([rows]) as data:
        found = compare(data, tmp_path / "run", rows, 0.2, [0.003])
        module, train_rows = load(tmp_path / "run"), data.indices("train")
        mean = data.read(["latents"], train_rows)["latents"].mean(0, dtype=np.float64)
        given, told = given_of(data, module.view, parts_of(data)["one"])
    assert found["level"] == 2.0
    assert isinstance(found["backprop"], dict)
    assert found["backprop"]["rate"] == 0.003
    left = found["left"]
    assert isinstance(left, dict)
    assert {*left} == {"one", "two"}
    for figures in left.values():
        known = {"filter"} if wiener else set()
        assert {*figures} == {"module", "Wiener", "Wiener with text", "backprop"} | known
        assert all(0 < left < 3 for left in figures.values())
    # The same variance for all: that of latents around their mean site by site, not around that of a channel.
    clean = told["latents"].astype(np.float64)
    expected = np.square(module.run(given) - clean).sum() / np.square(clean - mean).sum()
    assert left["one"]["module"] == pytest.approx(expected)
