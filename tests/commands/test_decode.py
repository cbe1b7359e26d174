"""`ola decode`."""

from pathlib import Path

import numpy as np
import pytest

from olacore.media.pictures import read_picture
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.modules.module import load
from tests.support.command import check_refusal, ola
from tests.support.makers import OTHER_SPACE, make_module
from tests.support.torch_files import write_torch
from tests.support.vae_samples import DECODER


def test_decode__gives_the_picture_of_the_latent(folder):
    latent = np.random.default_rng(0).normal(0, 0.1, (4, 3, 5)).astype(np.float32)
    np.save("z.npy", latent)
    assert ola("decode", "z.npy", "--decoder", "D", "-o", "out.png").stdout == "out.png: 40 x 24 pixels\n"
    np.testing.assert_array_equal(read_picture(folder / "out.png"), load("D").run(latent))


@pytest.mark.parametrize(("name", "side"), [("out.webp", 2048), ("out.jpg", 8188)])
def test_decode__says_what_a_format_cannot_hold_before_the_work(folder, monkeypatch, name, side):
    np.save("z.npy", np.zeros((4, side, 1), np.float32))
    monkeypatch.setattr("olacore.modules.module.Module.decode", None)
    check_refusal(f"{name}: it would have 8 x {8 * side} pixels; .* takes sides of at most", "decode", "z.npy",
                  "--decoder", "D", "-o", name)  # fmt: skip
    check_refusal(r"pictures are written as .*; got out\.bmp", "decode", "z.npy", "--decoder", "D", "-o", "out.bmp")


def test_decode__warns_of_latents_of_another_scale(folder):
    module = make_module(DECODER, seed=1)
    rows = module.scaling.input_mean.reshape(4, -1).mean(1)
    latents = np.random.default_rng(0).normal(size=(4, 3, 3)) + rows[:, None, None]
    for scale, warned in ((1, False), (5.5, True)):
        np.save("z.npy", (scale * latents).astype(np.float32))
        result = ola("decode", "z.npy", "--decoder", "D", "-o", "out.png", "--force")
        assert result.stderr.startswith("warning: the latents lie far") == warned
        assert Path("out.png").is_file()


@pytest.mark.parametrize(
    ("latent", "sentence"),
    [
        ("missing.npy", "cannot read the latent missing.npy: No such file"),
        ("broken.png", r"is no \.npy or \.npz file"),
        ("wrong.npy", "latents must be .* with 4 channels; got"),
        ("nan.npy", "latents must be finite .*got 16 values"),
        ("batch.npy", "holds 2 latents; give one"),
        ("foreign.npz", r"latent spaces differ: the decoder D has .*, foreign.npz has someone/other; take"),
    ],
)
def test_errors__are_one_line_and_exit_code_1(folder, latent, sentence):
    np.save("wrong.npy", np.zeros((3, 4, 4), np.float32))
    np.save("batch.npy", np.zeros((2, 4, 4, 4), np.float32))
    write_latent(Path("foreign.npz"), StoredLatent(np.zeros((4, 4, 4), np.float32), OTHER_SPACE, size=(30, 30)))
    check_refusal(sentence, "decode", latent, "--decoder", "D", "-o", "out.png")


def test_decode__replaces_nothing_without_force(folder):
    np.save("z.npy", np.zeros((4, 4, 4), np.float32))
    check_refusal("already there", "decode", "z.npy", "--decoder", "D", "-o", "broken.png")


def test_decode__scales_and_shrinks_what_other_programs_write(folder):
    latent = np.random.default_rng(0).normal(size=(1, 4, 3, 5)).astype(np.float32)
    write_torch(Path("z.pt"), latent / np.float32(0.13025), "f4")
    told = ola("decode", "z.pt", "--space", "sdxl", "--scale", "raw", "--size", "1/4", "-o", "out.png").stdout
    assert told == ("z.pt is of SDXL, raw: multiplied by 0.13025\nout.png: 10 x 6 pixels, by sdxl-decoder\n")
    expected = load("sdxl-decoder").decode(latent, shrink=4)[0]
    assert np.abs(read_picture(folder / "out.png").astype(int) - expected).max() <= 1
    for wrong in ("loud", "0", "nan"):
        assert "is none of raw, scaled, and" in ola("decode", "z.pt", "--scale", wrong, "-o", "x.png", code=2).stderr


def test_decode__takes_a_folder_and_skips_what_is_broken(folder):
    (folder / "in").mkdir()
    for name in ("a.pt", "b.pt"):
        write_torch(folder / "in" / name, np.random.default_rng(0).normal(size=(1, 4, 3, 5)).astype("f4"), "f4")
    (folder / "in" / "c.latent").write_text("hello")
    result = ola("decode", "in", "--decoder", "sd15-decoder", "-o", "out")
    assert result.stdout.splitlines()[-1] == "out: 2 pictures, 1 file skipped"
    assert result.stderr.startswith("skipped: in/c.latent is no latent: expected a safetensors file")
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["a.png", "b.png"]
    check_refusal("out/a.png is already there", "decode", "in", "--decoder", "sd15-decoder", "-o", "out")
    (folder / "in" / "b.pt").unlink()
    result = ola("decode", "in", "--decoder", "sd15-decoder", "-o", "pictures")
    assert result.stdout.splitlines()[-1] == "pictures: 1 picture, 1 file skipped"
    (folder / "in" / "a.pt").unlink()
    result = ola("decode", "in", "--space", "sd15", "-o", "out", code=1)
    assert result.stderr.splitlines()[-1] == "error: no file of latents in in could be decoded; skipped: 1."
