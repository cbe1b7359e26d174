"""Figures of a module on data, and which data a module refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset, write_pairs
from olacore.data.decoded import DecodedDataset
from olacore.errors import DataError, FingerprintError, ShapeError
from olacore.modules.module import Module
from olacore.quality.baselines import Baselines, fit_to_data
from olacore.quality.evaluation import baselines_beside, check_pairing, evaluate
from olacore.views import View
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.plain import Plain
from olacore.views.refining import Refiner
from olacore.views.scaling import Scaling
from tests.support.makers import (
    JIT,
    OTHER_SPACE,
    SPACE,
    make_module,
    plain_pairs,
    refined_by,
    write_pictures,
    write_plain,
)

ENCODER = PatchEncoder(4, border=0)
DECODER = PatchDecoder(4, window=1)
PAIRS = Plain(5, 3)


def some_baselines(view: View, seed: int = 0) -> Baselines:
    """Baselines of random numbers."""
    module = make_module(view, seed=seed)
    mean = np.random.default_rng(seed).normal(0, 0.1, view.outputs).astype(np.float32)
    return Baselines(module.weights, module.biases, mean, "clip", 0.0, 10, 0.5)


@pytest.fixture
def pictures(tmp_path):
    size = (16, 24) if JIT else (8, 16)
    with open_dataset(write_pictures(tmp_path / "p.h5", (2, 1, 9), size, recon=True)) as dataset:
        yield dataset


@pytest.fixture
def pairs(tmp_path):
    with open_dataset(write_plain(tmp_path / "q.h5", 100)) as dataset:
        yield dataset


def test_evaluate__of_a_decoder_that_carries_a_refiner_is_with_it_and_without(pictures):
    decoder, baselines = make_module(DECODER), some_baselines(DECODER)
    both = refined_by(decoder, Refiner(8, 4, 1, 4))
    found = evaluate(both, pictures, baselines)
    assert [*found] == ["module", "without_refiner", "least_squares", "mean", "block_mean", "teacher"]
    assert found["without_refiner"] == evaluate(decoder, pictures, baselines)["module"]
    arrays = pictures.read(("frames", "latents"), pictures.indices("held-out"))
    error = (both.run(arrays["latents"]).astype(float) - arrays["frames"]) / 127.5
    assert found["module"]["loss"] == pytest.approx((error**2).mean(), rel=1e-4)


def test_evaluate__of_an_encoder_is_what_its_latents_say(pictures):
    module, baselines = make_module(ENCODER), some_baselines(ENCODER)
    found = evaluate(module, pictures, baselines)
    held_out = pictures.indices("held-out")
    arrays = pictures.read(("frames", "latents"), held_out)
    truth = arrays["latents"].astype(np.float64)
    error = module.encode(arrays["frames"]) - truth
    mean = (baselines.mean * module.scaling.target_scale + module.scaling.target_mean)[:, None, None]
    assert [*found] == ["module", "least_squares", "mean"]
    assert found["module"]["loss"] == pytest.approx((error**2).mean(), rel=1e-4)
    assert found["module"]["l2"] == pytest.approx((error**2).sum() / ((truth - mean) ** 2).sum(), rel=1e-4)
    flat, about = error.reshape(9, -1) + truth.reshape(9, -1), truth.reshape(9, -1)
    cosines = (flat * about).sum(1) / np.linalg.norm(flat, axis=1) / np.linalg.norm(about, axis=1)
    assert found["module"]["cosine"] == pytest.approx(cosines.mean(), rel=1e-4)
    assert found["mean"]["r2"] == pytest.approx(0, abs=1e-6)


def test_evaluate__of_a_decoder_is_what_its_pictures_say_beside_the_teacher(pictures):
    module = make_module(DECODER)
    found = evaluate(module, pictures, some_baselines(DECODER))
    arrays = pictures.read(("frames", "latents", "recon"), pictures.indices("held-out"))
    for name, answer in (("module", module.decode(arrays["latents"])), ("teacher", arrays["recon"])):
        squared = (answer.astype(np.float64) - arrays["frames"]) ** 2
        psnr = (10 * np.log10(255**2 / squared.mean((1, 2, 3)))).mean()
        # The module's own figure is taken before its answer is rounded to bytes.
        assert found[name]["psnr"] == pytest.approx(psnr, abs=0.05)
    assert set(found["teacher"]) == set(found["module"])


def test_evaluate__least_squares_as_a_module_has_the_figures_of_least_squares(pairs):
    items = {name: pairs.indices(name) for name in ("train", "validation")}
    scaling = Scaling.identity(5, 3)
    baselines = replace(fit_to_data(pairs, PAIRS, scaling, items, 0), link="tanh")
    found = evaluate(Module(PAIRS, None, baselines.weights, baselines.biases, scaling), pairs, baselines)
    for name, value in found["least_squares"].items():
        assert found["module"][name] == pytest.approx(value, rel=1e-4)
    assert found["least_squares"]["r2"] > found["mean"]["r2"]


@pytest.mark.parametrize("split", ["train", "validation", "held-out"])
def test_evaluate__looks_at_one_split_alone(split, tmp_path):
    x, y = (a.astype(np.float32) for a in plain_pairs(30))
    which = np.repeat(np.arange(3, dtype=np.uint8), 10)
    write_pairs(tmp_path / "a.h5", x, y, which)
    spoiled = np.where((which == ("train", "validation", "held-out").index(split))[:, None], y, y + 5)
    write_pairs(tmp_path / "b.h5", x, spoiled, which)
    module, baselines = make_module(PAIRS, None), some_baselines(PAIRS)
    with open_dataset(tmp_path / "a.h5") as a, open_dataset(tmp_path / "b.h5") as b:
        assert evaluate(module, a, baselines, split) == evaluate(module, b, baselines, split)


def test_evaluate__parts_of_the_data_change_nothing(pictures, monkeypatch):
    module, baselines = make_module(ENCODER), some_baselines(ENCODER)
    whole = evaluate(module, pictures, baselines)
    monkeypatch.setattr("olacore.quality.evaluation.ITEMS_AT_ONCE", 2)
    for name, figures in evaluate(module, pictures, baselines).items():
        for figure, value in figures.items():
            assert value == pytest.approx(whole[name][figure], rel=1e-9)


def test_evaluate__names_a_split_without_rows(tmp_path):
    x, y = (a.astype(np.float32) for a in plain_pairs(6))
    write_pairs(tmp_path / "q.h5", x, y, np.zeros(6, np.uint8))
    with (
        open_dataset(tmp_path / "q.h5") as data,
        pytest.raises(DataError, match="no held-out rows to evaluate on"),
    ):
        evaluate(make_module(PAIRS, None), data, some_baselines(PAIRS))


def test_evaluate__refuses_nan_and_inf_unless_told_to_leave_them_out(tmp_path):
    x, y = (a.astype(np.float32) for a in plain_pairs(30))
    x[27, 2], y[29, 0] = np.nan, np.inf
    write_pairs(tmp_path / "bad.h5", x, y, np.repeat(np.arange(3, dtype=np.uint8), 10))
    keep = np.setdiff1d(np.arange(30), (27, 29))
    write_pairs(tmp_path / "good.h5", x[keep], y[keep], np.repeat(np.arange(3, dtype=np.uint8), (10, 10, 8)))
    module, baselines = make_module(PAIRS, None), some_baselines(PAIRS)
    with open_dataset(tmp_path / "bad.h5") as bad, open_dataset(tmp_path / "good.h5") as good:
        with pytest.raises(DataError, match=r"2 of 30 rows hold NaN or inf in inputs or targets \(first at 27, 29\)"):
            evaluate(module, bad, baselines)
        skipped = evaluate(module, bad, baselines, skip_nonfinite=True)
        assert skipped == evaluate(module, good, baselines)


def test_check_pairing__names_both_latent_spaces(pictures):
    other = make_module(ENCODER, OTHER_SPACE)
    sentence = "the module has someone/other, the data has someone/tiny"
    with pytest.raises(FingerprintError, match=sentence):
        check_pairing(other, pictures)
    with pytest.raises(FingerprintError, match=sentence):
        evaluate(other, pictures, some_baselines(ENCODER))
    with pytest.raises(FingerprintError, match=sentence):
        evaluate(other, pictures)
    check_pairing(make_module(ENCODER, replace(SPACE, maker="the same weights under another name")), pictures)


def test_check_pairing__names_the_decoders_whose_pictures_are_refined(pictures):
    decoder, other = make_module(DECODER), make_module(DECODER, seed=1)
    behind = replace(make_module(Refiner(), None), training={"pictures_sha256": decoder.digest})
    own, others = DecodedDataset(pictures, decoder, "d"), DecodedDataset(pictures, other, "o")
    check_pairing(behind, own)
    for data, theirs in ((pictures, "a teacher"), (others, f"the decoder {other.digest[:12]}")):
        sentence = f"those of the decoder {decoder.digest[:12]}, the data have those of {theirs}; name the mod"
        with pytest.raises(FingerprintError, match=f"{sentence}.* decoder with --pictures-from"):
            check_pairing(behind, data)
        with pytest.raises(FingerprintError, match="decoded pictures differ"):
            evaluate(behind, data)
    check_pairing(make_module(Refiner(), None), pictures)
    with pytest.raises(FingerprintError, match="evolved with those of a teacher.*; leave --pictures-from out"):
        check_pairing(make_module(Refiner(), None), own)
    check_pairing(decoder, others)


def test_check_pairing__names_both_shapes(tmp_path, pictures, pairs):
    wide = replace(SPACE, channels=16)
    with open_dataset(write_pictures(tmp_path / "w.h5", (1, 1, 1), (8, 8), space=wide)) as data:
        with pytest.raises(ShapeError, match="latents of 4 channels, and the data's have 16"):
            check_pairing(make_module(ENCODER), data)
        with pytest.raises(ShapeError, match="5 inputs to 3 outputs|plain pairs, and the data hold frames"):
            check_pairing(make_module(PAIRS, None), data)
    with pytest.raises(ShapeError, match="192 inputs to 4 outputs .* plain pairs of 5 inputs and 3 targets"):
        check_pairing(make_module(ENCODER), pairs)


def test_baselines_beside__are_taken_only_if_they_are_of_the_module(tmp_path):
    module = make_module(PAIRS, None)
    assert baselines_beside(tmp_path / "module.safetensors", module) is None
    kept = some_baselines(PAIRS, seed=5)
    kept.save(tmp_path / "baselines.safetensors")
    found = baselines_beside(tmp_path / "module.safetensors", module)
    np.testing.assert_array_equal(found.weights, kept.weights)
    assert baselines_beside(tmp_path / "module.safetensors", make_module(PAIRS, None, hidden=(2,))) is not None
    some_baselines(Plain(2, 2)).save(tmp_path / "baselines.safetensors")  # of another module
    assert baselines_beside(tmp_path / "module.safetensors", module) is None


def test_evaluate__fits_baselines_to_the_training_rows_if_none_are_given(pairs):
    module = replace(make_module(PAIRS, None), training={"seed": 0})
    items = {split: pairs.indices(split) for split in ("train", "validation")}
    fitted = fit_to_data(pairs, module.view, module.scaling, items, 0)
    assert fitted.rows == 80
    assert evaluate(module, pairs) == evaluate(module, pairs, fitted)


def spoil_latent(path: Path, item: int) -> Path:
    """Put one NaN into a data set, which its writer would refuse."""
    with h5py.File(path, "r+") as file:
        file["latents"][item, 2, 0, 1] = np.nan
    return path


@pytest.mark.parametrize("view", [ENCODER, DECODER])
def test_evaluate__finds_nan_in_latents(view, tmp_path):
    path = spoil_latent(write_pictures(tmp_path / "p.h5", (1, 1, 2), (8, 16)), 3)
    with open_dataset(path) as data:
        with pytest.raises(DataError, match=r"1 of 4 rows hold NaN or inf in latents \(first at 3\)"):
            evaluate(make_module(view), data, some_baselines(view))
        assert evaluate(make_module(view), data, some_baselines(view), skip_nonfinite=True)
