"""Stacks from captions to latents beside closed forms: parts by name, one line a size."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.studies import text_to_latent
from bench.studies.text_means import KnownTexts
from olacore.data import open_dataset
from tests.support.caption_samples import write_captioned
from tests.support.makers import JIT

PARTS = {"train": 34, "validation": 5, "held-out:concept-held-out": 5, "held-out:combination-held-out": 4}


@pytest.fixture(scope="module")
def h5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "captioned.h5"
    write_captioned(path, PARTS)
    return path


def test_closed_forms__measure_each_held_out_part(h5: Path) -> None:
    with open_dataset(h5) as data:
        parts = text_to_latent.parts_of(data)
        np.testing.assert_array_equal(np.sort(np.concatenate([*parts.values()])), data.indices("held-out"))
        found = text_to_latent.closed_forms(data, KnownTexts.read(data))
    assert found.keys() == {"nearest caption", "kernel, all captions"}
    assert all(left.keys() == parts.keys() and min(left.values()) > 0 for left in found.values())


@pytest.mark.skipif(not JIT, reason="too many products without the JIT")
def test_study__prints_a_line_for_each_size(h5: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["text_to_latent", str(h5), "--units", "4", "--seeds", "2", "--strategy", "wide"])
    text_to_latent.main()
    *forms, line = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [form["name"] for form in forms] == ["nearest caption", "kernel, all captions"]
    assert line["stack"] == 4
    assert line["left"].keys() == forms[0]["left"].keys() == line["least squares"].keys()
    assert all(len(values) == 2 for values in line["left by seed"].values())
