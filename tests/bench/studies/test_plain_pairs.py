"""The study of plain pairs runs to its end, where scikit-learn is installed."""

import json
import sys

import numpy as np
import pytest

from bench.studies import plain_pairs
from tests.support.makers import JIT


@pytest.mark.parametrize("name", ["heavy tails, 20,000 x 8", "Friedman 1, 2,000 x 10", "two layers, 30,000 x 32 to 5"])
def test_data__have_the_sizes_that_their_names_say(name: str) -> None:
    x, y = plain_pairs.DATA[name]()
    assert f"{len(x):,} x {x.shape[1]}" in name
    assert y.shape == (len(x), 5 if "to 5" in name else 1)
    assert np.isfinite(x).all()
    assert np.isfinite(y).all()


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
def test_study__prints_a_line_with_every_model(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    asked = ["plain_pairs", "--data", "diabetes, 442 x 10", "--units", "24", "--seeds", "2", "--generations", "3"]
    monkeypatch.setattr(sys, "argv", asked)
    plain_pairs.main()
    line = json.loads(capsys.readouterr().out)
    assert line["strategy"] == "wide"
    others = ["least squares", "MLPRegressor", "gradient boosting", "KernelRidge"]
    assert [*line["r2"]] == [*others, "ola train", "ola train, 3 generations"]
    assert all(len(values) == 2 for values in line["r2 by seed"].values())
    assert line["r2"]["ola train"] > 0.2
