"""Files of teachers that are damaged, half, of odd types, or that ask for a network of no end: one sentence each."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from olacore.errors import FileFormatError
from teachers import LoadOptions, load_teacher
from tests.support.teacher_samples import build_kl, save_kl, save_model

WEIGHTS = "diffusion_pytorch_model.safetensors"
PICKLE = "diffusion_pytorch_model.bin"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
FRAMES = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), np.uint8)


def load(reference: Path) -> Any:
    """Random models fail the self-test."""
    return load_teacher(reference, LoadOptions(self_test=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_model(tmp_path / "tiny")


@pytest.fixture
def pickled(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a folder whose file of weights is yet to be written as a pickle."""
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    return weights


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.bfloat16])
def test_load__uses_small_floats_as_float32(folder: Path, kind: torch.dtype) -> None:
    small = {name: weight.to(kind) for name, weight in load_file(folder / WEIGHTS).items()}
    save_file({name: weight.float() for name, weight in small.items()}, folder / WEIGHTS)
    wanted = load(folder).encode(FRAMES)
    save_file(small, folder / WEIGHTS)
    np.testing.assert_array_equal(load(folder).encode(FRAMES), wanted)


@pytest.mark.parametrize(("first", "half"), [("0", "an encoder"), ("1", "a decoder")])
def test_load__names_half_a_model_in_another_layout(tmp_path: Path, first: str, half: str) -> None:
    save_file({f"{first}.weight": torch.ones(3), "3.conv.0.weight": torch.ones(3)}, tmp_path / "taesd.safetensors")
    with pytest.raises(FileFormatError, match=f"holds {half} alone, in another layout; take the model's folder"):
        load(tmp_path / "taesd.safetensors")


def test_load__names_half_a_model(folder: Path) -> None:
    whole = load_file(folder / WEIGHTS)
    for half in ("encoder", "decoder"):
        save_file({name: weight for name, weight in whole.items() if name.startswith(half)}, folder / WEIGHTS)
        with pytest.raises(FileFormatError, match=f"holds the {half} alone; take the model's folder"):
            load(folder)


@pytest.mark.parametrize("name", [WEIGHTS, PICKLE, "config.json"])
def test_load__names_a_pointer_of_git_lfs(folder: Path, name: str) -> None:
    if name == PICKLE:
        (folder / WEIGHTS).unlink()
    (folder / name).write_bytes(POINTER)
    with pytest.raises(FileFormatError, match="it is a Git LFS pointer in place of the file; run `git lfs pull`"):
        load(folder)


def cycle(weights: Any) -> Any:
    weights["state_dict"] = weights
    return {"state_dict": weights}


@pytest.mark.filterwarnings("ignore")  # torch is to give up some of these types
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (cycle, None),
        (lambda weights: {0: next(iter(weights.values()))}, "holds weights by 0; expected weights by name"),
        (lambda weights: {"step": 3}, "holds no weights by name"),
        (lambda weights: [1], "holds list; expected weights by name"),
        (
            lambda weights: {n: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8) for n, w in weights.items()},
            "has quantized weights at ",
        ),
        (lambda weights: {n: w.to("meta") for n, w in weights.items()}, "has a weight without numbers at "),
        (lambda weights: {n: w.to_sparse() for n, w in weights.items()}, "has a weight of layout torch.sparse_coo"),
        (lambda weights: {n: w.to(torch.complex64) for n, w in weights.items()}, "a weight of torch.complex64 at"),
        (
            lambda weights: {n: torch.zeros(1).expand(1 << 40) for n in weights},
            "has a weight that repeats its numbers at ",
        ),
    ],
)
def test_load__pickles_of_odd_weights(folder: Path, pickled: Any, change: Any, sentence: str | None) -> None:
    torch.save(change(pickled), folder / PICKLE)
    if sentence is None:
        assert load(folder).encode(FRAMES).shape == (1, 4, 2, 2)
        return
    with pytest.raises(FileFormatError, match=sentence):
        load(folder)


def test_load__unpacks_no_bomb(folder: Path, pickled: Any) -> None:
    with zipfile.ZipFile(folder / PICKLE, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(1 << 20))
    with pytest.raises(FileFormatError, match="unpacks to 1048576 bytes, more than 4 times its size"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"layers_per_block": 10**7}, "layers_per_block must be a whole number from 1 to 32; got 10000000"),
        ({"block_out_channels": [30_000] * 4}, r"block_out_channels\[0\] must be a whole number from 1 to 8192"),
        ({"block_out_channels": [8192] * 4}, "other weights than its configuration asks for: .* misshapen"),
        ({"block_out_channels": [8] * 9}, "block_out_channels must be a list of 1 to 8 entries"),
        ({"norm_num_groups": 0}, "norm_num_groups must be a whole number from 1 to 8192; got 0"),
        ({"norm_num_groups": 3}, "is no configuration of a model: .*divisible"),
        ({"_class_name": ["AutoencoderKL"]}, r"describes \['AutoencoderKL'\]"),
        ({"in_channels": -3}, "in_channels must be a whole number from 1 to 8192; got -3"),
        ({"latent_channels": {}}, "latent_channels must be a whole number .*; got {}"),
        ({"scaling_factor": None}, "scaling_factor must be a number .*; got None"),
        ({"scaling_factor": {"a": 1}}, "scaling_factor must be a number .*; got {'a': 1}"),
        ({"scaling_factor": 0}, "scaling_factor must be a number .*; got 0"),
        ({"shift_factor": [0]}, "shift_factor must be a number"),
        ({"latents_mean": [0, "a", 0, 0]}, r"latents_mean\[1\] must be a number; got 'a'"),
        ({"latents_mean": [0.0], "latents_std": [1.0]}, "does not fit its own 4 latent channels"),
        ({"down_block_types": [3]}, r"down_block_types\[0\] must be text"),
        ({"down_block_types": ["Nonsense"] * 4}, "is no configuration of a model"),
        ({"act_fn": "nonsense"}, "is no configuration of a model"),
    ],
)
def test_load__configurations_that_make_no_network(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    folder = save_kl(tmp_path / "kl", build_kl())
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(FileFormatError, match=sentence):
        load(folder)


def test_load__a_configuration_with_what_is_no_number(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"scaling_factor": 1.0', '"scaling_factor": NaN'))
    with pytest.raises(FileFormatError, match="the configuration .* is no JSON of ours: NaN is no number of JSON"):
        load(folder)
    assert save_model(folder.parent / "other").is_dir()
    config = json.loads((folder.parent / "other" / "config.json").read_text())
    path.write_text(json.dumps(config | {"upsample_fn": ["nearest"]}))
    with pytest.raises(FileFormatError, match=r"upsample_fn must be one of nearest, .*; got \['nearest'\]"):
        load(folder)
