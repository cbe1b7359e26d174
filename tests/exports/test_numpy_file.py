"""Modules as plain NumPy arrays: what a program without olacore computes from them."""

from __future__ import annotations

import json

import numpy as np
import pytest

import olacore
from olacore.errors import OutputExistsError
from olacore.exports.base import Part, export
from olacore.exports.numpy_file import read_about
from olacore.modules.plain import blocks_of, picture_of, windows_of
from olacore.reports.inspection import describe
from olacore.views.patch import PatchDecoder
from olacore.views.plain import Plain
from tests.support.makers import REFINERS, make_module, refined_by
from tests.support.set_samples import filtered

pytestmark = pytest.mark.filterwarnings("ignore:the latents lie")


def run_alone(path, inputs: np.ndarray, of: str = "") -> np.ndarray:
    """What the arrays compute, in NumPy alone; `of` is "refiner_" for those of the refiner."""
    with np.load(path) as file:
        known, about = inputs, json.loads(str(file["about"]))
        for step in range((about["refiner"] if of else about)["steps"]):
            answer = np.tanh(known @ file[f"{of}weights_{step}"].T + file[f"{of}biases_{step}"])
            known = np.hstack([known, answer])
        return answer * file[f"{of}gain"] + file[f"{of}shift"]


@pytest.mark.parametrize("hidden", [(), (6,), (3, 5)])
def test_npz__computes_what_the_module_does(tmp_path, hidden):
    module = make_module(Plain(5, 3), None, hidden=hidden)
    export([Part.of("m", module)], "npz", tmp_path / "m.npz")
    x = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    np.testing.assert_allclose(run_alone(tmp_path / "m.npz", x), module.predict(x), rtol=1e-4, atol=1e-5)


def test_npz__has_the_refiner_that_a_decoder_carries(tmp_path):
    view = REFINERS[-1]
    module = refined_by(make_module(PatchDecoder(4, 8, 3)), view, hidden=(3, 4))
    export([Part.of("m", module)], "npz", tmp_path / "m.npz")
    latents = np.random.default_rng(0).normal(size=(1, 4, 3, 5)).astype(np.float16).astype(np.float32)
    drawn = picture_of(run_alone(tmp_path / "m.npz", windows_of(latents, 3)), 1, 3, 5)
    drawn = np.rint(127.5 * np.clip(drawn, -1, 1) + 127.5).astype(np.uint8)
    seen = np.hstack([blocks_of(drawn, 8, view.border), windows_of(latents, view.window)])
    refined = drawn + 127.5 * picture_of(run_alone(tmp_path / "m.npz", seen, "refiner_"), 1, 3, 5)
    assert np.abs(np.clip(np.rint(refined), 0, 255) - module.decode(latents)).max() <= 1
    about = read_about(tmp_path / "m.npz")
    assert about["refiner"]["gather"] == view.to_dict()
    assert {**view.to_dict(), "border": 0, "context": 0} == {
        "kind": "refiner", "name": "pixel", "factor": 8, "border": 0, "context": 0, "channels": 4
    }  # fmt: skip


def test_npz__has_the_filter_that_a_denoiser_carries(tmp_path):
    module = make_module(filtered(4, 8, 2.0))
    export([Part.of("m", module)], "npz", tmp_path / "m.npz")
    with np.load(tmp_path / "m.npz") as file:
        for name, array in module.view.tensors.items():
            np.testing.assert_array_equal(file[f"view_{name}"], array)


def test_npz__says_how_inputs_are_gathered(tmp_path):
    export([Part.of("sd15-decoder", olacore.load("sd15-decoder"))], "npz", tmp_path / "sd15.npz")
    with np.load(tmp_path / "sd15.npz") as file:
        about = json.loads(str(file["about"]))
    assert (about["gather"]["name"], about["gather"]["kind"], about["bound"]) == ("patch", "decoder", 1.0)
    assert about["training"]["strategy"] == "stack"


def test_export__replaces_a_file_only_by_force(tmp_path):
    module = make_module(Plain(5, 3), None)
    export([Part.of("m", module)], "npz", tmp_path / "m.npz")
    with pytest.raises(OutputExistsError, match=r"m.npz is already there; give --force to replace it"):
        export([Part.of("m", module)], "npz", tmp_path / "m.npz")
    export([Part.of("m", module)], "npz", tmp_path / "m.npz", force=True)


def test_describe__knows_an_exported_module(tmp_path):
    export([Part.of("m", make_module(Plain(5, 3), None))], "npz", tmp_path / "m.npz")
    facts = describe(tmp_path / "m.npz")
    assert (facts["kind"], facts["gather"]["name"], facts["steps"]) == ("module, exported", "plain", 1)
    (tmp_path / "other.npz").write_bytes(b"nothing")
    assert read_about(tmp_path / "other.npz") is None
