"""Pairs from end to end: two modules of one latent space, resumed in either stage; sentences for what cannot be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.records import checksum_rows
from olacore.errors import ConfigError, OutputExistsError
from olacore.kernels.windows import cut_windows_reference
from olacore.modules.module import load
from olacore.search.checkpoint import load_checkpoint
from olacore.search.plans.basis import find_basis
from olacore.search.train import train
from tests.support.makers import JIT, make_config, module_bytes, story, write_pictures, write_plain
from tests.support.searches import stop_after

pytestmark = pytest.mark.skipif(not JIT, reason="too many products without the JIT")
HEIGHT, WIDTH = 3, 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("data") / "p.h5", (60, 8, 8), (8 * HEIGHT, 8 * WIDTH))


def paired(path: Path, out: Path, **changes):
    return make_config(path, out, **({"module": "pair", "block": 120, "generations": 30, "report_every": 5} | changes))


@pytest.fixture(scope="module")
def affine(pictures, tmp_path_factory):
    """An affine pair, and what training it gave."""
    return train(paired(pictures, tmp_path_factory.mktemp("runs") / "affine"))


@pytest.fixture(scope="module")
def stacked(pictures, tmp_path_factory):
    """A pair whose decoder is a stack; both searches are short."""
    return train(short_stack(pictures, tmp_path_factory.mktemp("runs") / "stacked"))


def short_stack(path: Path, out: Path, **changes):
    """One pass of the pair is three generations; of the stack, two."""
    return paired(path, out, **({"stack": 4, "generations": None, "passes": 8, "block": 60} | changes))


def read(path: Path, split: str, field: str) -> np.ndarray:
    with open_dataset(path) as data:
        return data.read((field,), data.indices(split))[field]


def patches_of(frames: np.ndarray) -> np.ndarray:
    """Patches (n, 192) of pictures, in order of their sites."""
    tall = (frames / 127.5 - 1).reshape(len(frames), HEIGHT, 8, WIDTH, 8, 3)
    return tall.transpose(0, 1, 3, 2, 4, 5).reshape(-1, 192)


def windows_of(latents: np.ndarray) -> np.ndarray:
    """Windows of 3 x 3 of latents (n, C), and a one."""
    out = np.empty((latents.shape[1] * 9, len(latents)))
    cut_windows_reference(np.ascontiguousarray(latents.T), HEIGHT, WIDTH, 3, out)
    return np.vstack([out, np.ones(len(latents))]).T


def principal_error(path: Path) -> float:
    """Held-out error of principal components of the patch, decoded by least squares on windows of them."""
    train_patches, test = (patches_of(read(path, split, "frames")) for split in ("train", "held-out"))
    mean = train_patches.mean(0)
    axes = np.linalg.svd(train_patches - mean, full_matrices=False)[2][:4]
    fit = np.linalg.lstsq(windows_of((train_patches - mean) @ axes.T), train_patches, rcond=None)[0]
    return float(((windows_of((test - mean) @ axes.T) @ fit - test) ** 2).mean())


def error_of(folder: Path, path: Path) -> float:
    frames = read(path, "held-out", "frames")
    back = load(folder / "decoder").decode(load(folder / "encoder").encode(frames))
    return float((((back.astype(float) - frames) / 127.5) ** 2).mean())


# ---------------------------------------------------------------- what comes out


def test_pair__comes_near_principal_components_with_least_squares(pictures, affine):
    frames = read(pictures, "held-out", "frames")
    error = error_of(affine.folder, pictures)
    assert error < 1.15 * principal_error(pictures)
    assert error < 0.06 * (frames / 127.5).var()
    lines = story(affine.folder / "encoder")
    assert lines[-1]["best_validation_loss"] < 0.2 * lines[0]["validation_loss"]


def test_pair__both_modules_have_one_latent_space_near_the_teacher_s(pictures, affine, stacked):
    truth = read(pictures, "held-out", "latents").astype(np.float64)
    for folder in (affine.folder, stacked.folder):
        encoder, decoder = load(folder / "encoder"), load(folder / "decoder")
        assert encoder.makes == encoder.space == decoder.reads
        assert encoder.space.maker == "organic pair near someone/tiny"
        latents = encoder.encode(read(pictures, "held-out", "frames"))
        assert ((latents - truth) ** 2).mean() < 0.3 * truth.var()
    assert load(stacked.folder / "decoder").layers == (36, 4, 192)
    assert stacked.figures["module"].keys() == affine.figures["module"].keys()


def test_pair__encodes_and_decodes_odd_sizes(affine):
    picture = np.random.default_rng(0).integers(0, 256, (13, 21, 3), np.uint8)
    latents = load(affine.folder / "encoder").encode(picture)
    assert latents.shape == (4, 2, 3)
    assert load(affine.folder / "decoder").decode(latents).shape == (16, 24, 3)


def test_pair__the_change_of_basis_leaves_pictures_as_they_are(pictures, affine, tmp_path, monkeypatch):
    monkeypatch.setattr("olacore.search.plans.pair.find_basis", lambda *_: (np.eye(4), np.zeros(4)))
    train(paired(pictures, tmp_path / "own"))
    frames = read(pictures, "held-out", "frames")
    ours, turned = (
        load(folder / "decoder").decode(load(folder / "encoder").encode(frames)).astype(int)
        for folder in (tmp_path / "own", affine.folder)
    )
    # Rounding of levels, and what is left of the bend of the encoder's tanh.
    assert np.abs(ours - turned).max() <= 1
    assert (load(tmp_path / "own" / "encoder").weights != load(affine.folder / "encoder").weights).any()


def test_pair__latents_that_are_nan_are_no_fault(pictures, tmp_path):
    holed = tmp_path / "holed.h5"
    holed.write_bytes(pictures.read_bytes())
    with h5py.File(holed, "r+") as file:
        file["latents"][2, 1, 0, 0] = np.nan
        row = file["rows"][2:3]
        row["crc32"] = checksum_rows(row, [file[name][2:3] for name in ("frames", "latents")])
        file["rows"][2:3] = row
    result = train(paired(holed, tmp_path / "run", generations=6, skip_nonfinite=True))
    assert np.isfinite(result.module.weights).all()


# ---------------------------------------------------------------- the change of basis


def test_find_basis__recovers_a_known_affine_map():
    rng = np.random.default_rng(0)
    latents, matrix, shift = rng.standard_normal((2000, 4)), rng.standard_normal((4, 4)), rng.standard_normal(4)
    truth = latents @ matrix.T + shift
    truth[5, 1] = np.nan
    found = find_basis(latents, truth, 0)
    np.testing.assert_allclose(found[0], matrix, atol=0.02)
    np.testing.assert_allclose(found[1], shift, atol=0.02)


@pytest.mark.parametrize("truth", ["flat", "unknown"])
def test_find_basis__keeps_the_identity_where_there_is_no_fair_basis(truth):
    latents = np.random.default_rng(0).standard_normal((500, 4))
    other = np.outer(latents[:, 0], [1, 2, 3, 4]) if truth == "flat" else np.full_like(latents, np.nan)
    matrix, shift = find_basis(latents, other, 0)
    np.testing.assert_array_equal(matrix, np.eye(4))
    np.testing.assert_array_equal(shift, 0)


# ---------------------------------------------------------------- resume, force, refusals


def assert_same_pair(one: Path, other: Path) -> None:
    for name in ("encoder", "decoder"):
        assert module_bytes(one / name) == module_bytes(other / name)


def test_pair__interrupted_and_resumed_is_the_uninterrupted_one(pictures, affine, tmp_path):
    config = paired(pictures, tmp_path / "pieces")
    result = train(config, should_stop=stop_after(7))
    assert (result.stopped, result.folder) == ("interrupted", tmp_path / "pieces")
    assert not (tmp_path / "pieces" / "decoder").exists()
    train(replace(config, resume=True))
    assert_same_pair(affine.folder, tmp_path / "pieces")
    (tmp_path / "pieces" / "decoder" / ".module.safetensors.0123456789abcdef.tmp").touch()  # a save that was killed
    train(replace(config, resume=True))
    assert_same_pair(affine.folder, tmp_path / "pieces")
    assert not [*(tmp_path / "pieces").rglob("*.tmp")]


@pytest.mark.parametrize("stop", [5, -3])
def test_pair__a_stack_is_resumed_in_either_stage(pictures, stacked, tmp_path, stop):
    first, second = (len_of(stacked.folder / name) for name in ("encoder", "decoder"))
    config = short_stack(pictures, tmp_path / "pieces")
    assert train(config, should_stop=stop_after(stop if stop > 0 else first + second + stop)).stopped == "interrupted"
    assert (tmp_path / "pieces" / "decoder").exists() == (stop < 0)
    train(replace(config, resume=True))
    assert_same_pair(stacked.folder, tmp_path / "pieces")


def units_of(folder: Path) -> int:
    """Hidden units at the end of a search; the best candidate may have had fewer."""
    return len(load_checkpoint(folder / "checkpoint.safetensors")[0]["state_biases"])


def len_of(folder: Path) -> int:
    """Generations that a run took."""
    return load(folder).training["generations"]


def test_pair__an_existing_run_needs_resume_or_force(pictures, affine, stacked, tmp_path):
    with pytest.raises(OutputExistsError, match=r"encoder already holds a run; give --resume or --force"):
        train(paired(pictures, affine.folder))
    out = tmp_path / "run"
    train(short_stack(pictures, out))
    train(paired(pictures, out, force=True))
    assert_same_pair(affine.folder, out)
    assert not (out / "decoder" / "checkpoint.safetensors").exists()


def test_pair__a_budget_covers_both_files(pictures, tmp_path):
    config = short_stack(pictures, tmp_path / "run", stack=None, budget=40_000, weights="float16")
    train(config)
    sizes = [len(module_bytes(tmp_path / "run" / name)) for name in ("encoder", "decoder")]
    assert 20_000 < sum(sizes) <= 40_000
    assert units_of(tmp_path / "run" / "decoder") > 8
    with pytest.raises(ConfigError, match="15000 bytes have no room for a pair with a stack: two affine maps"):
        train(replace(config, out=tmp_path / "none", budget=15_000))
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"view": "global"}, "there is no view of the pair 'global'; there are patch"),
        ({"strategy": "classic"}, "classic evolves single modules; for the module pair there are pair"),
        (
            {"module": "encoder", "strategy": "pair"},
            "evolves the module pair; for the module encoder there are rows",
        ),
        ({"loss": "mae"}, "the strategy pair minimises mse, all outputs alike; got 'mae'"),
        ({"output_weights": (1,)}, "the strategy pair minimises mse, all outputs alike; got 'mse' with output weights"),
        ({"loss": "contrast"}, "the strategy pair minimises mse, all outputs alike; got 'contrast'"),
        ({"weights": "int8"}, "the strategy pair evolves float16 or float32 weights; got 'int8'"),
        ({"population": 4}, "the strategy pair has no choice of a population; leave --population out"),
        ({"options": {"channels": 9}}, "the strategy pair has no option 'channels'"),
        ({"options": {"damp": 3}}, "damp of the strategy pair must be from 1e-06 to 1; got 3"),
    ],
)
def test_config__names_what_does_not_go_with_a_pair(tmp_path, changes, sentence):
    with pytest.raises(ConfigError, match=sentence):
        paired(tmp_path, tmp_path, **changes)


@pytest.mark.parametrize("changes", [{}, {"stack": 4, "budget": 40_000}])
def test_pair__refuses_plain_pairs(tmp_path, changes):
    path = write_plain(tmp_path / "plain.h5", 20)
    with pytest.raises(ConfigError, match="a pair is evolved by the error of pictures, and the data hold plain pairs"):
        train(paired(path, tmp_path / "run", **changes))


def test_pair__makes_latents_of_its_own(pictures, tmp_path):
    with pytest.raises(ConfigError, match="a pair makes latents of its own; give --latents-from with --module decoder"):
        train(paired(pictures, tmp_path / "run", latents_from="codec4-encoder"))
