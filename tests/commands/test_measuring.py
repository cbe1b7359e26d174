"""`ola vae-test` and `ola compare`, and what `ola decode` says of odd latents."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import cli
from olacore.media.pictures import write_picture
from olacore.quality.vae_test.measure import VaeTest
from olacore.quality.vae_test.request import Given
from tests.support.makers import OTHER_SPACE, make_module, smooth_pictures, write_pictures
from tests.support.vae_samples import DECODER, ENCODER, encoder, paired_decoder


@pytest.fixture
def ola(tmp_path, monkeypatch):
    """Run a command in a folder with modules E, D, P (the pair of E), S (a stranger), data and pictures."""
    monkeypatch.chdir(tmp_path)
    encoder().module.save("E")
    paired_decoder(Given.load("E")).module.save("P")
    make_module(DECODER, seed=1).save("D")
    make_module(DECODER, OTHER_SPACE).save("S")
    write_pictures(Path("data.h5"))
    Path("photos").mkdir()
    for name, picture in zip(("a", "b"), smooth_pictures(2, 27, 40), strict=True):
        write_picture(Path("photos") / f"{name}.png", picture)
    Path("broken.png").write_text("hello")
    np.save("nan.npy", np.full((4, 2, 2), np.nan, np.float32))

    def run(*arguments: object, code: int = 0):
        result = CliRunner().invoke(cli.main, [str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


def test_vae_test__prints_tables_and_writes_a_folder(ola):
    out = ola("vae-test", "photos", "--encoder", "E", "--decoder", "P", "--h5", "data.h5", "--repeats", "1")
    for word in ("organic, paired", "least squares, paired", "linear preview", "4 principal components", "block mean"):
        assert word in out.stdout
    assert "at 1/8 of the size" in out.stdout
    report = json.loads(Path("vae-test/metrics.json").read_text())
    assert set(report["pictures"]) == {"a", "b"}
    for name in ("orig", "o_recon", "side_by_side"):
        assert Path(f"vae-test/b/{name}.png").is_file()


def test_vae_test__gives_json_and_goes_on_after_a_broken_picture(ola):
    arguments = ("vae-test", "broken.png", "missing.png", "photos/*.png", "--encoder", "E", "--decoder", "D", "--json")
    result = ola(*arguments, "--size", "16", "--out", "x")
    report = json.loads(result.stdout)
    assert report["ours"] == "organic, compatible"
    assert list(report["skipped"].values()) == ["broken.png is not a picture of a known format."]
    assert "skipped: expected a picture, a video or a folder of them at missing.png" in result.stderr
    assert {one["height"] for one in report["pictures"].values()} == {16}
    assert any("are left out" in note for note in report["notes"])


def test_vae_test__stops_between_pictures_on_ctrl_c(ola, monkeypatch):
    measure = VaeTest.measure

    def pressed(self: VaeTest, picture: np.ndarray):
        os.kill(os.getpid(), signal.SIGINT)
        return measure(self, picture)

    monkeypatch.setattr(VaeTest, "measure", pressed)
    result = ola("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--repeats", "1", code=130)
    assert "interrupted: vae-test holds what is done" in result.stderr
    assert set(json.loads(Path("vae-test/metrics.json").read_text())["pictures"]) == {"a"}


def test_vae_test__without_a_teacher_loads_no_torch(ola):
    arguments = ["vae-test", "photos/a.png", "--encoder", "E", "--decoder", "D", "--h5", "data.h5", "--repeats", "1"]
    code = f"import cli, sys; cli.main({arguments!r}, standalone_mode=False); assert 'torch' not in sys.modules"
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent)}
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=environment)


def test_vae_test__with_a_real_teacher_has_its_rows(ola, shared_data):
    pytest.importorskip("diffusers")
    folder = shared_data / "models" / "taesd"
    teacher_options = ("--teacher", folder, "--offline")
    ola("precompute", "photos", "--teacher", folder, "--h5", "t.h5", "--size", "24", "--upscale", "--offline")
    from olacore.data import open_dataset

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


def test_compare__prints_a_table_and_writes_plots(ola):
    out = ola("compare", "E", "--h5", "data.h5").stdout
    assert re.search(r"2 frames: r2 .*, l2 .*, cosine .*, cosine_centered", out)
    assert {path.name for path in Path("compare").iterdir()} == {"scatter.png", "worst.png", "compare.json"}
    result = ola("compare", "E", "--h5", "data.h5", "--split", "train", "--json", "--out", "c2")
    assert json.loads(result.stdout)["frames"] == 8


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("vae-test", "photos", "--encoder", "D", "--decoder", "D"), "a module of kind encoder"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "S"), r"decoder S is of the latent space .*\(someone/o"),
        (("vae-test", "broken.png", "--encoder", "E", "--decoder", "D"), "none of 1 pictures could be read"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--out", "photos"), "already holds files"),
        (("vae-test", "photos", "--encoder", "missing", "--decoder", "D"), "missing"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--preview-network", "no.pt"), "there is no prev"),
        (("vae-test", "photos", "--encoder", "E", "--decoder", "D", "--teacher", "f.py:fn"), "an autoencoder's"),
        (("compare", "D", "--h5", "data.h5"), "measure it with `ola eval`"),
        (("compare", "E", "--h5", "data.h5", "--out", "photos"), "already holds files"),
        (("decode", "nan.npy", "--decoder", "D", "-o", "out.png"), "latents must be finite"),
    ],
)
def test_errors__are_one_line_and_exit_code_1(ola, arguments, sentence):
    Path("f.py").write_text("def fn(frames):\n    return frames, frames\n")
    result = ola(*arguments, code=1)
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert re.search(sentence, result.stderr)


def test_decode__warns_of_latents_of_another_scale(ola):
    module = make_module(DECODER, seed=1)
    rows = module.scaling.input_mean.reshape(4, -1).mean(1)
    latents = np.random.default_rng(0).normal(size=(4, 3, 3)) + rows[:, None, None]
    for scale, warned in ((1, False), (5.5, True)):
        np.save("z.npy", (scale * latents).astype(np.float32))
        result = ola("decode", "z.npy", "--decoder", "D", "-o", "out.png", "--force")
        assert result.stderr.startswith("warning: the latents lie far") == warned
        assert Path("out.png").is_file()
