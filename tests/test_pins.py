"""Searches and shipped modules give what they gave when they were pinned: the house may move, its numbers may not."""

from __future__ import annotations

import json

import numpy as np
import pytest

import olacore
from tests.support.command import ola
from tests.support.makers import JIT
from tests.support.pins import SEARCHES, machine, searched, shipped
from tests.support.places import ROOT, SAMPLE

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")

FOLDER = ROOT / "tests" / "pins"
FACTS = json.loads((FOLDER / "pins.json").read_text(encoding="utf-8"))
PINNED = dict(np.load(FOLDER / "pins.npz"))
# On another kind of processor, or with other versions, last bits differ, and a search carries them on.
SAME, NEARLY, PIXELS = machine() == FACTS["machine"], 0.02, 1


def assert_pinned(name: str, found: np.ndarray) -> None:
    pinned = PINNED[name]
    assert (found.shape, found.dtype) == (pinned.shape, pinned.dtype)
    if SAME:
        np.testing.assert_array_equal(found, pinned)
    elif found.dtype == np.uint8:
        assert np.abs(found.astype(int) - pinned).max() <= PIXELS
    else:
        np.testing.assert_allclose(found, pinned, rtol=0, atol=NEARLY * max(float(np.abs(pinned).max()), 1e-3))


@pytest.mark.parametrize("name", SEARCHES)
def test_train__gives_the_pinned_tensors(name, tmp_path):
    found = searched(name, tmp_path)
    assert found.keys() == {key for key in PINNED if key.partition("/")[0] == name}
    for key, array in found.items():
        assert_pinned(key, array)


@pytest.mark.parametrize("name", FACTS["facts"])
def test_shipped__modules_answer_as_pinned(name):
    assert_pinned(f"shipped/{name}", shipped(name))


@pytest.mark.parametrize(("name", "facts"), FACTS["facts"].items())
def test_shipped__modules_are_of_the_pinned_latent_spaces(name, facts):
    module = olacore.load(name)
    assert module.space.fingerprint == facts["fingerprint"]
    assert (module.makes.fingerprint if module.makes else None) == facts.get("own")


FIGURES = ["loss", "r2", "l2", "cosine", "cosine_centered"]


@pytest.mark.parametrize(
    ("name", "rows", "columns"),
    [
        ("sd15-encoder", ["module", "least_squares", "mean"], [*FIGURES, "r2_each"]),
        ("sd15-decoder-small", ["module", "least_squares", "mean", "block_mean", "teacher"], [*FIGURES, "psnr"]),
        (
            "sd15-decoder",
            ["module", "without_refiner", "least_squares", "mean", "block_mean", "teacher"],
            [*FIGURES, "psnr"],
        ),
    ],
)
def test_eval__json_has_the_columns_of_version_1(name, rows, columns):
    found = json.loads(ola("eval", name, "--h5", SAMPLE, "--json").stdout)
    assert [*found] == rows
    assert all([*figures] == columns for figures in found.values())
