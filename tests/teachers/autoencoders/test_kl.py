"""`AutoencoderKL` as a teacher: from folders, single files and full checkpoints; what is refused; what is proved."""

import hashlib
import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

from olacore.errors import ConfigError, FileFormatError
from olacore.quality.psnr import psnr
from teachers import LoadOptions, load_teacher
from teachers.autoencoders.families import FAMILIES
from teachers.autoencoders.legacy_names import to_new_names
from teachers.autoencoders.self_test import FLOOR, SPREAD, proof_pictures
from teachers.comparison.torch_kernels import torch_threads
from tests.support.teacher_samples import build_kl, save_kl, to_old_names

WEIGHTS = "diffusion_pytorch_model.safetensors"
FRAMES = np.random.default_rng(0).integers(0, 256, (2, 24, 32, 3), np.uint8)
PICTURES = torch.tensor(FRAMES / np.float32(127.5) - 1).permute(0, 3, 1, 2)
SCALED = {"scaling_factor": 0.5, "shift_factor": 0.25}


def load(reference: str | Path, **options: Any) -> Any:
    return load_teacher(reference, LoadOptions(**({"self_test": False} | options)))


@pytest.fixture(scope="module")
def model() -> AutoencoderKL:
    return build_kl(**SCALED)


@pytest.fixture
def folder(model: AutoencoderKL, tmp_path: Path) -> Path:
    return save_kl(tmp_path / "vae", model)


@pytest.fixture
def single(model: AutoencoderKL, folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A single file with the old names, and the configuration that belongs to it."""
    path = tmp_path / "old.safetensors"
    save_file(to_old_names(model.state_dict()), path)
    return path, folder / "config.json"


def latents_by_hand(model: AutoencoderKL, scaling: Any = 0.5, shift: Any = 0.25) -> np.ndarray:
    with torch.no_grad():
        mode = torch.cat([model.encode(one[None]).latent_dist.mode() for one in PICTURES])
    return (mode.numpy() - shift) * scaling


def test_folder__latents_are_the_scaled_mode(model: AutoencoderKL, folder: Path) -> None:
    teacher = load(folder)
    space = teacher.space
    assert (space.maker, space.scaling, space.shift, space.channels, space.factor) == ("vae", 0.5, 0.25, 4, 8)
    assert space.maker_sha256 == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    latents = teacher.encode(FRAMES)
    assert (latents.shape, latents.dtype) == ((2, 4, 3, 4), np.float32)
    np.testing.assert_allclose(latents, latents_by_hand(model), atol=1e-6)
    np.testing.assert_array_equal(latents, teacher.encode(FRAMES))
    stored = latents.astype(np.float16).astype(np.float32)
    with torch.no_grad():
        wanted = torch.cat([model.decode(one[None]).sample for one in torch.tensor(stored / 0.5 + 0.25)])
    decoded = (wanted.permute(0, 2, 3, 1).numpy().clip(-1, 1) + 1) * 127.5
    assert np.abs(teacher.decode(latents) - decoded).max() < 0.6
    assert not teacher.model.use_tiling


def test_folder__of_a_whole_pipeline(model: AutoencoderKL, tmp_path: Path) -> None:
    save_kl(tmp_path / "pipeline" / "vae", model)
    teacher = load(tmp_path / "pipeline")
    assert teacher.space.maker == "pipeline"
    np.testing.assert_allclose(teacher.encode(FRAMES), latents_by_hand(model), atol=1e-6)


def test_folder__mean_and_deviation_vectors(tmp_path: Path) -> None:
    means, deviations = [0.5, -1.0, 0.0, 2.0], [2.0, 1.0, 0.5, 4.0]
    model = build_kl(latents_mean=means, latents_std=deviations, scaling_factor=0.5)
    teacher = load(save_kl(tmp_path / "vae", model))
    assert teacher.space.scaling == (0.25, 0.5, 1.0, 0.125)
    assert teacher.space.shift == (0.5, -1.0, 0.0, 2.0)
    columns = [np.array(values, np.float32).reshape(4, 1, 1) for values in (means, deviations)]
    wanted = latents_by_hand(model, 0.5 / columns[1], columns[0])
    np.testing.assert_allclose(teacher.encode(FRAMES), wanted, atol=1e-6)
    raw = latents_by_hand(model, 1, 0)
    again = load(save_kl(tmp_path / "plain", build_kl(scaling_factor=1.0)))
    difference = teacher.decode(wanted).astype(int) - again.decode(raw)
    assert np.abs(difference).max() <= 2  # both go through float16
    config = json.loads((tmp_path / "vae" / "config.json").read_text())
    (tmp_path / "vae" / "config.json").write_text(json.dumps(config | {"latents_mean": [0.0] * 3}))
    with pytest.raises(FileFormatError, match=r"does not fit its own 4 latent channels: shift must be .* got 3"):
        load(tmp_path / "vae")


@pytest.mark.parametrize("form", ["old", "new", "checkpoint", "ckpt", "early"])
def test_single_file__in_every_layout(model: AutoencoderKL, folder: Path, tmp_path: Path, form: str) -> None:
    new = model.state_dict()
    old = to_old_names(new)
    whole = {f"first_stage_model.{name}": weight for name, weight in old.items()}
    whole["model.diffusion_model.input.weight"] = torch.zeros(3)
    early = {name: ("query", "key", "value") for name in ("to_q", "to_k", "to_v")}
    names = dict(zip(early, ("query", "key", "value"), strict=True)) | {"to_out.0": "proj_attn"}
    renamed = {}
    for name, weight in new.items():
        for ours, theirs in names.items():
            name = name.replace(f"attentions.0.{ours}.", f"attentions.0.{theirs}.")
        renamed[name] = weight
    weights = {
        "old": old | {"loss.logvar": torch.zeros(1)},
        "new": new,
        "checkpoint": whole,
        "ckpt": whole,
        "early": renamed,
    }
    path = tmp_path / f"vae.{'ckpt' if form == 'ckpt' else 'safetensors'}"
    if form == "ckpt":
        torch.save({"state_dict": weights[form], "epoch": 3}, path)
    else:
        save_file(weights[form], path)
    teacher = load(path, config=str(folder / "config.json"))
    assert teacher.space.maker == path.name
    np.testing.assert_array_equal(teacher.encode(FRAMES), load(folder).encode(FRAMES))


def test_old_names__are_those_of_diffusers_both_ways(model: AutoencoderKL) -> None:
    new = set(model.state_dict())
    old = to_old_names(model.state_dict())
    assert set(to_new_names([*old]).values()) == new
    assert set(to_new_names([*new]).values()) == new
    assert len(new - set(old)) > 60  # the others are called alike in both
    for config in FAMILIES.values():
        with torch.device("meta"):
            full = set(AutoencoderKL.from_config(config).state_dict())
        assert set(to_new_names([*to_old_names(dict.fromkeys(full, torch.zeros(1)))]).values()) == full


@pytest.mark.parametrize(
    ("family", "parameters"), [("sd", 83_653_863), ("sdxl", 83_653_863), ("sd3", 83_819_683), ("flux", 83_819_683)]
)
def test_families__have_the_sizes_of_the_public_models(family: str, parameters: int) -> None:
    with torch.device("meta"):
        model = AutoencoderKL.from_config(FAMILIES[family])
    assert sum(weight.numel() for weight in model.parameters()) == parameters


def test_single_file__one_key_dropped_or_added(single: tuple[Path, Path]) -> None:
    path, config = single
    weights = load_file(path)
    del weights["encoder.mid.attn_1.q.weight"]
    weights["encoder.mid.attn_2.q.weight"] = torch.zeros(1)
    save_file(weights, path)
    wanted = r"1 missing \(encoder\.mid_block\.attentions\.0\.to_q\.weight\), 1 unexpected \(encoder\.mid\.attn_2\.q"
    with pytest.raises(FileFormatError, match=wanted):
        load(path, config=str(config))


def test_single_file__a_wrong_configuration(single: tuple[Path, Path], tmp_path: Path) -> None:
    path, _ = single
    wide = save_kl(tmp_path / "wide", build_kl(block_out_channels=(8, 8, 8, 16))) / "config.json"
    with pytest.raises(
        FileFormatError, match=r"other weights than its configuration asks for: .*\d+ misshapen \(decoder"
    ):
        load(path, config=str(wide))
    with pytest.raises(FileFormatError, match=r"other weights than its configuration asks for: .*missing"):
        load(path, config="sd")
    with pytest.raises(
        FileFormatError, match="a configuration is one of sd, sdxl, sd3, flux, or a file; there is no none"
    ):
        load(path, config="none")
    for text, message in (("[1]", r"must be an object; got \[1\]"), ("{", "the configuration .* is no JSON")):
        wide.write_text(text)
        with pytest.raises(FileFormatError, match=message):
            load(path, config=str(wide))


def test_single_file__of_another_model(tmp_path: Path, folder: Path) -> None:
    save_file({"text_model.embeddings.weight": torch.zeros(3)}, tmp_path / "clip.safetensors")
    with pytest.raises(FileFormatError, match=r"1 unexpected \(text_model\.embeddings\.weight\)"):
        load(tmp_path / "clip.safetensors", config=str(folder / "config.json"))


def test_single_file__whose_scaling_it_does_not_say(single: tuple[Path, Path]) -> None:
    with pytest.raises(
        ConfigError, match=r"does not say which model's scaling .* --config sd, sdxl, sd3, flux, or a config"
    ):
        load(single[0])


@pytest.mark.parametrize(
    ("mark", "family"),
    [
        ("cond_stage_model.x", "sd"),
        ("conditioner.embedders.0.x", "sdxl"),
        ("model.diffusion_model.joint_blocks.0.x", "sd3"),
        ("model.diffusion_model.double_blocks.0.x", "flux"),
    ],
)
def test_checkpoint__tells_its_family(tmp_path: Path, mark: str, family: str) -> None:
    weights = {
        f"first_stage_model.{name}": torch.zeros(1) for name in ("encoder.conv_in.weight", "decoder.conv_in.bias")
    }
    save_file(weights | {mark: torch.zeros(1)}, tmp_path / "all.safetensors")
    # The family is found, and then its weights are missing.
    asked = len(AutoencoderKL.from_config(FAMILIES[family]).state_dict()) - 2
    with pytest.raises(FileFormatError, match=rf"{asked} missing .*2 misshapen"):
        load(tmp_path / "all.safetensors")


def test_pickle__that_holds_more_than_weights(tmp_path: Path, folder: Path) -> None:
    torch.save({"state_dict": {"a": torch.zeros(1)}, "callback": Path}, tmp_path / "vae.ckpt")
    with pytest.raises(FileFormatError, match="holds more than weights, which could run as a program"):
        load(tmp_path / "vae.ckpt", config=str(folder / "config.json"))
    (tmp_path / "vae.ckpt").write_bytes(b"text")
    with pytest.raises(FileFormatError, match="damaged"):
        load(tmp_path / "vae.ckpt", config=str(folder / "config.json"))
    torch.save([1], tmp_path / "vae.ckpt")
    with pytest.raises(FileFormatError, match="holds list; expected weights by name"):
        load(tmp_path / "vae.ckpt", config=str(folder / "config.json"))


def test_half_precision__is_used_as_float32_and_said(
    model: AutoencoderKL, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_file({name: weight.half() for name, weight in model.state_dict().items()}, folder / WEIGHTS)
    with caplog.at_level(logging.INFO):
        latents = load(folder).encode(FRAMES)
    assert "are float16; they are used as float32" in caplog.text
    np.testing.assert_allclose(latents, latents_by_hand(model), atol=0.01)


def test_device__absent_or_unknown(folder: Path) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="finds 0 CUDA devices, so there is no cuda; use --device cpu"):
            load(folder, device="cuda")
    with pytest.raises(ConfigError, match="finds . CUDA devices, so there is no cuda:9"):
        load(folder, device="cuda:9")
    for name in ("tpu", "cpu:1", "cuda:x"):
        with pytest.raises(ConfigError, match=f"a device is cpu, cuda or cuda:1 and so on; got '{name}'"):
            load(folder, device=name)
    with pytest.raises(ConfigError, match="a batch holds 1 picture or more; got 0"):
        load(folder, batch=0)


def test_hub__is_never_asked_offline_and_may_be_out_of_reach(tmp_path: Path) -> None:
    """The hub's settings are read when it is first imported, hence another process."""
    code = """
import os, sys
os.environ |= {"HF_HOME": sys.argv[1], "HF_HUB_OFFLINE": "1"}
import huggingface_hub
import teachers
def ask(*args, **settings):
    raise AssertionError
asking, huggingface_hub.HfApi.model_info = huggingface_hub.HfApi.model_info, ask
def load(**options):
    try: teachers.load_teacher("some/model", teachers.LoadOptions(**options))
    except OSError as error: print(type(error).__name__, error)
load(offline=True)
huggingface_hub.HfApi.model_info = asking
load()
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    offline, unreachable = done.stdout.splitlines()
    assert offline.startswith("FileFormatError no folder 'some/model', and the hub's cache does not hold that model")
    assert unreachable.startswith("FileFormatError no folder 'some/model'")
    assert "OfflineModeIsEnabled" in unreachable


def test_self_test__refuses_a_random_model(folder: Path) -> None:
    with pytest.raises(FileFormatError, match=r"gives real pictures back with -?\d+\.\d dB, and .* --no-self-test"):
        load(folder, self_test=True)


def test_self_test__accepts_a_trained_model_and_refuses_wrong_scaling(tmp_path: Path) -> None:
    pictures = torch.tensor(proof_pictures() / np.float32(127.5) - 1).permute(0, 3, 1, 2)
    model = build_kl()
    with torch_threads(1):
        optimiser = torch.optim.Adam(model.parameters(), 1e-2)
        for step in range(90):
            top, left = 8 * step % 64, 24 * step % 64
            crop = pictures[:, :, top : top + 64, left : left + 64]
            loss = ((model.decode(model.encode(crop).latent_dist.mode()).sample - crop) ** 2).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            deviation = float(model.encode(pictures).latent_dist.mode().std())
        folder = save_kl(tmp_path / "trained", model)
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"scaling_factor": 1 / deviation}))
        teacher = load(folder, self_test=True)
        assert teacher.settings == {"device": "cpu", "self_test": True}
        assert psnr(teacher.decode(teacher.encode(proof_pictures())), proof_pictures()) > FLOOR
        (folder / "config.json").write_text(json.dumps(config | {"scaling_factor": 4 * SPREAD[1] / deviation}))
        with pytest.raises(
            FileFormatError, match=r"makes latents of spread 10\.\d\d with scaling .* is the scaling right"
        ):
            load(folder, self_test=True)
        weights = load_file(folder / WEIGHTS)
        weights["encoder.conv_in.bias"][0] = torch.inf
        save_file(weights, folder / WEIGHTS)
        with pytest.raises(FileFormatError, match=r"NaN or inf in encoder\.conv_in\.bias"):
            load(folder, self_test=True)


def test_self_test__what_a_network_can_do_wrong() -> None:
    from teachers.autoencoders.self_test import prove
    from tests.support.plain_samples import MeanTeacher

    class Broken(MeanTeacher):
        def encode(self, frames: np.ndarray) -> np.ndarray:
            return super().encode(frames) * np.float32(np.nan)

    class Small(MeanTeacher):
        def encode(self, frames: np.ndarray) -> np.ndarray:
            return super().encode(frames)[:, :3]

    whole = torch.nn.Linear(1, 1)
    prove(MeanTeacher(), whole, "x")  # block means come back with 18 dB
    with pytest.raises(FileFormatError, match="x gives latents with NaN or inf"):
        prove(Broken(), whole, "x")
    with pytest.raises(FileFormatError, match=r"of shape \(3, 3, 16, 16\); expected \(3, 4, 16, 16\)"):
        prove(Small(), whole, "x")
    with pytest.raises(FileFormatError, match=r"left 2 weights without values \(weight\)"):
        prove(MeanTeacher(), torch.nn.Linear(1, 1, device="meta"), "x")
