"""`ola vae-test`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cli
from olacore.data import open_dataset
from olacore.quality.vae_test.measure import VaeTest
from tests.support.command import check_refusal, fill, ola
from tests.support.makers import make_module
from tests.support.vae_samples import DECODER, ENCODER


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Work in a folder with small modules, data and pictures."""
    monkeypatch.chdir(tmp_path)
    fill(tmp_path)


def test_vae_test__prints_tables_and_writes_a_folder():
    out = ola("vae-test", "photos", "--encoder", "E", "--decoder", "P", "--h5", "data.h5", "--repeats", "1")
    for word in ("organic, paired", "least squares, paired", "linear preview", "4 principal components", "block mean"):
        assert word in out.stdout
    assert "at 1/8 of the size" in out.stdout
    report = json.loads(Path("vae-test/metrics.json").read_text())
    assert set(report["pictures"]) == {"a", "b"}
    for name in ("orig", "o_recon", "side_by_side"):
        assert Path(f"vae-test/b/{name}.png").is_file()


def test_vae_test__gives_json_and_goes_on_after_a_broken_picture():
    arguments = ("vae-test", "broken.png", "missing.png", "photos/*.png", "--encoder", "E", "--decoder", "D", "--json")
    result = ola(*arguments, "--size", "16", "--out", "x")
    report = json.loads(result.stdout)
    assert report["ours"] == "organic, compatible"
    assert list(report["skipped"].values()) == ["broken.png is not a picture of a known format."]
    assert "skipped: expected a picture, a video or a folder of them at missing.png" in result.stderr
    assert {one["height"] for one in report["pictures"].values()} == {16}
    assert any("are left out" in note for note in report["notes"])


def test_vae_test__stops_between_pictures_on_ctrl_c(monkeypatch):
    measure = VaeTest.measure

    def pressed(self: VaeTest, picture: np.ndarray):
        os.kill(os.getpid(), signal.SIGINT)
        return measure(self, picture)

    monkeypatch.setattr(VaeTest, "measure", pressed)
    result = ola("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--repeats", "1", code=130)
    assert "interrupted: vae-test holds what is done" in result.stderr
    assert set(json.loads(Path("vae-test/metrics.json").read_text())["pictures"]) == {"a"}


def test_vae_test__without_a_teacher_loads_no_torch():
    arguments = ["vae-test", "photos/a.png", "--encoder", "E", "--decoder", "D", "--h5", "data.h5", "--repeats", "1"]
    code = f"import cli, sys; cli.group()({arguments!r}, standalone_mode=False)"
    code += "; rooms = {name.split('.')[1] for name in sys.modules if name.startswith('teachers.')}"
    code += "; assert rooms == {'commands'}, rooms; assert not {'torch', 'diffusers'} & sys.modules.keys()"
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)}
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=environment)


def test_vae_test__with_a_real_teacher_has_its_rows(shared_data):
    pytest.importorskip("diffusers")
    folder = shared_data / "models" / "taesd"
    teacher_options = ("--teacher", folder, "--offline")
    ola("precompute", "photos", "--teacher", folder, "--h5", "t.h5", "--size", "24", "--upscale", "--offline")
    with open_dataset(["t.h5"]) as dataset:
        space = dataset.space
    for view, name in ((ENCODER, "TE"), (DECODER, "TD")):
        make_module(view, space).save(name)
    result = ola("vae-test", "photos/a.png", "--encoder", "TE", "--decoder", "TD", *teacher_options, "--json")
    report = json.loads(result.stdout)
    assert {"teacher", "organic, compatible", "compatible encoder, teacher's decoder"} <= set(report["rows"])
    assert report["rows"]["teacher"]["encoder_bytes"] > 1_000_000
    assert len(report["mean"]["latents"]["encoder"]["r2_each"]) == 4
    assert Path("vae-test/a/sd_recon.png").is_file()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("vae-test", "photos", "--encoder", "D", "--decoder", "D"), "a module of kind encoder"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "S"), "the decoder S has someone/other"),
        (("vae-test", "broken.png", "--encoder", "E", "--decoder", "D"), "none of 1 pictures could be read"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--out", "photos"), "already holds files"),
        (("vae-test", "photos", "--encoder", "missing", "--decoder", "D"), "missing"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--preview-network", "no.pt"), "there is no prev"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--teacher", "f.py:fn"), "an autoencoder's"),
    ],
)
def test_errors__are_one_line_and_exit_code_1(arguments, sentence):
    Path("f.py").write_text("def fn(frames):\n    return frames, frames\n")
    check_refusal(sentence, *arguments)
