"""Latents of an organic encoder: no torch, a latent space of its own, and a decoder that can be trained on them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, FileFormatError
from olacore.exports.base import Part, export
from olacore.modules.module import load
from olacore.search.train import train
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.whole import WholeEncoder
from teachers import OrganicEncoder, load_any_teacher, precompute
from tests.support.fake_hub import FakeHub
from tests.support.makers import SPACE, make_config, make_module
from tests.support.plain_samples import RULE, save_photographs
from tests.support.video_samples import scene, write_video


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    make_module(PatchEncoder(4)).save(tmp_path / "encoder.safetensors")
    return tmp_path / "encoder.safetensors"


def test_organic__latents_are_the_modules_own(tmp_path: Path, encoder: Path) -> None:
    save_photographs(tmp_path / "photos", 6)
    precompute([tmp_path / "photos"], tmp_path / "out.h5", OrganicEncoder(encoder), RULE)
    with open_dataset(tmp_path / "out.h5") as data:
        assert data.space.maker == "encoder.safetensors"
        assert data.space.maker_sha256 == load(encoder).digest
        assert (data.space.scaling, data.space.channels) == (SPACE.scaling, SPACE.channels)
        assert data.space.fingerprint != SPACE.fingerprint
        assert data.settings["latents_from"] == "encoder.safetensors, cloned from someone/tiny"
        rows = data.read(("frames", "latents"), np.arange(6))
        fingerprint = data.space.fingerprint
    np.testing.assert_array_equal(rows["latents"], load(encoder).encode(rows["frames"]).astype(np.float16))
    result = train(make_config(tmp_path / "out.h5", tmp_path / "run", module="decoder"))
    assert result.module.space.fingerprint == fingerprint


def test_organic__refuses_what_makes_no_latents(tmp_path: Path, encoder: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot read the module"):
        OrganicEncoder(tmp_path / "none.safetensors")
    for view in (PatchDecoder(4), WholeEncoder(4)):
        make_module(view).save(tmp_path / "other.safetensors")
        with pytest.raises(ConfigError, match=f"is a {view.name} {view.kind}"):
            OrganicEncoder(tmp_path / "other.safetensors")
    save_photographs(tmp_path / "photos", 1)
    with pytest.raises(ConfigError, match=r"encoder\.safetensors encodes only.*leave recon out"):
        precompute([tmp_path / "photos"], tmp_path / "out.h5", OrganicEncoder(encoder), RULE, recon=True)
    assert not (tmp_path / "out.h5").exists()


def run_without(absent: list[str], *commands: list[object]) -> str:
    """What `ola` prints for these commands in a fresh process where some packages cannot be imported."""
    code = f"""
import json, sys
for name in {absent}:
    sys.modules[name] = None
import cli
for command in json.loads(sys.argv[1]):
    cli.group()(command, standalone_mode=False)
"""
    asked = json.dumps([[*map(str, command)] for command in commands])
    return subprocess.run([sys.executable, "-c", code, asked], capture_output=True, text=True, check=True).stdout


def test_organic__works_without_torch(tmp_path: Path, encoder: Path) -> None:
    save_photographs(tmp_path / "photos", 1)
    given = ["precompute", tmp_path / "photos", "--latents-from", encoder, "--h5", tmp_path / "out.h5", "--size", 16]
    printed = run_without(["torch", "diffusers", "transformers", "av"], given)
    assert "1 row from 1 photograph or scene (1 train)" in printed


def test_organic__video_to_decoder_without_torch(tmp_path: Path, encoder: Path) -> None:
    film, h5, run = tmp_path / "film.mkv", tmp_path / "out.h5", tmp_path / "run"
    write_video(film, np.concatenate([scene(12, 0), scene(10, 1), scene(8, 2)]))
    given = ["precompute", film, "--latents-from", encoder, "--h5", h5, "--size", 16, "--every", 2]
    learn = ["train", "--module", "decoder", "--h5", h5, "--generations", 2, "--out", run]
    printed = run_without(["torch", "diffusers", "transformers"], given, learn)
    assert "rows from 3 photographs and scenes" in printed
    with open_dataset(h5) as data:
        assert load(run / "module.safetensors").space.fingerprint == data.space.fingerprint


def test_teacher__an_encoder_of_the_hub_is_known_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = make_module(PatchEncoder(4))
    export([Part.of("m", module)], "hub", tmp_path / "shared")
    hub = FakeHub({"me/encoder": tmp_path / "shared"}, tmp_path / "cache")
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub.module())
    assert load_any_teacher("hf:me/encoder").space.maker_sha256 == module.digest
