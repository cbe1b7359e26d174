"""Names of pretrained modules, wherever a command takes a module."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from olacore import pretrained
from olacore.data.sample import sample_path
from olacore.media.pictures import read_picture, write_picture
from olacore.modules.module import load
from tests.support.command import check_refusal, ola
from tests.support.vae_samples import encoder


def test_pretrained__stand_in_for_files_and_are_the_default(run_folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    pretrained.FOLDER.mkdir()
    for kind, folder in run_folders.items():
        (pretrained.FOLDER / f"codec4-{kind}.safetensors").write_bytes((folder / "module.safetensors").read_bytes())
    (pretrained.FOLDER / "codec4-encoder.md").write_text("R2 0.5 on held-out pictures")
    write_picture(Path("in.png"), np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    assert ola("encode", "in.png", "-o", "z.npy").stdout == "z.npy: 4 x 3 x 4, by codec4-encoder for codec4-decoder\n"
    ola("decode", "z.npy", "--decoder", "codec4-decoder", "-o", "out.png")
    np.testing.assert_array_equal(np.load("z.npy"), load(run_folders["encoder"]).encode(read_picture(Path("in.png"))))
    facts = json.loads(ola("inspect", "codec4-encoder", "--json").output)
    assert (facts["kind"], facts["card"]) == ("module, encoder", "R2 0.5 on held-out pictures")
    assert "R2 0.5 on held-out pictures" in ola("inspect", "codec4-encoder").output
    assert "least_squares" in ola("eval", "codec4-decoder", "--h5", sample_path()).output
    ola("precompute", "in.png", "--h5", "own.h5", "--latents-from", "codec4-encoder", "--size", "16")


def make_picture(name: str) -> None:
    write_picture(Path(name), np.random.default_rng(0).integers(100, 150, (20, 30, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "decoder"),
    [(None, "codec4-decoder"), ("codec16-encoder", "codec16-decoder"), ("sd15-encoder", "sd15-decoder")],
)
def test_decode__picks_the_partner_of_the_encoder_that_the_file_names(name, decoder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_picture("in.png")
    out = ola("encode", "in.png", *(["--encoder", name] if name else []), "-o", "z.npz").stdout
    assert ("by codec4-encoder for codec4-decoder" in out) == (name is None)
    assert ola("decode", "z.npz", "-o", "out.png").stdout == f"out.png: 30 x 20 pixels, by {decoder}\n"
    assert ola("decode", "z.npz", "--decoder", decoder, "-o", "named.png").stdout == "named.png: 30 x 20 pixels\n"
    assert Path("out.png").read_bytes() == Path("named.png").read_bytes()


def test_decode__takes_the_decoder_of_the_latents_themselves_and_the_compatible_one_and_no_other(tmp_path, monkeypatch):
    """A decoder that was trained on the latents of a shipped encoder belongs to it as the compatible one does."""
    monkeypatch.chdir(tmp_path)
    make_picture("in.png")
    given = ("--module", "decoder", "--h5", sample_path(), "--latents-from", "sd15-encoder", "--out", "own")
    ola("train", *given, "--generations", 2, "--population", 2, "--block", 512)
    ola("encode", "in.png", "--encoder", "sd15-encoder", "-o", "z.npz")
    own, shipped = load("own"), load("sd15-decoder")
    assert own.reads == load("sd15-encoder").makes
    latent = np.load("z.npz")["latent"]
    for name, decoder in (("own", own), ("sd15-decoder", shipped)):
        ola("decode", "z.npz", "--decoder", name, "-o", f"{name}.png")
        np.testing.assert_array_equal(read_picture(Path(f"{name}.png")), decoder.decode(latent)[:20, :30])
    for name in ("codec4-decoder", "sdxl-decoder"):
        check_refusal(
            rf"latent spaces differ: the decoder {name} has {load(name).reads.maker}, z.npz has "
            r"sd15-encoder or taesd; take sd15-decoder\.",
            *("decode", "z.npz", "--decoder", name, "-o", "out.png"),
        )


def test_decode__guesses_which_decoder_was_meant(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("z.npy", np.zeros((4, 3, 3), np.float32))
    for name, meant in {
        "sd15": r"no pretrained decoder \(did you mean sd15-decoder or sd15-decoder-small\?\); there are: codec",
        "SD3-decodr": r"\(did you mean sd3-decoder, .*\?\); there are",
        "nothing": "pretrained decoder; there are: codec16-decoder, codec4-decoder, ",
        "google64": "google64 is a set, which draws; where a module is asked for, there are: codec16-decoder, ",
    }.items():
        check_refusal(meant, "decode", "z.npy", "--decoder", name)
    check_refusal(r"set that is shipped \(did you mean google64\?\); there are", "generate", "a", "--set", "google")
    check_refusal(r"nothing that is shipped \(did you mean google64\?\)", "inspect", "gogle64")
    assert [path.name for path in tmp_path.iterdir()] == ["z.npy"]


def test_decode__finds_no_decoder_for_latents_that_nothing_shipped_reads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_picture("in.png")
    encoder().module.save("E")
    ola("encode", "in.png", "--encoder", "E", "-o", "z.npz")
    sentence = r"no shipped decoder reads latents of organic someone/tiny or someone/tiny, as z.npz holds"
    check_refusal(sentence, "decode", "z.npz", "-o", "out.png")


def test_decode__refuses_a_bare_npy_without_a_decoder_and_lists_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("z.npy", np.zeros((4, 3, 3), np.float32))
    sentence = (
        r"z\.npy does not say whose latents it holds; name their decoder with --decoder: "
        r"codec4-decoder \(private, of codec4-encoder\), sd15-decoder \(SD 1\.5\), "
        r"sd15-decoder-small \(SD 1\.5\), sdxl-decoder \(SDXL\), sdxl-decoder-small \(SDXL\)\.\n"
    )
    check_refusal(sentence, "decode", "z.npy", "-o", "out.png")
    np.save("z.npy", np.zeros((16, 3, 3), np.float32))
    sentence = (
        r": codec16-decoder \(private, of codec16-encoder\), sd3-decoder \(SD 3\), sd3-decoder-small \(SD 3\)\.\n"
    )
    check_refusal(sentence, "decode", "z.npy", "-o", "out.png")


def test_decode__takes_a_latent_of_comfyui_for_sd_1_5_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = np.random.default_rng(0).normal(0, 4, (1, 4, 5, 6)).astype(np.float32)
    save_file({"latent_tensor": raw, "latent_format_version_0": np.zeros(0, np.float32)}, "z.latent")
    assert ola("decode", "z.latent", "-o", "out.png").stdout == (
        "z.latent is taken for SD 1.5, raw: multiplied by 0.18215\nout.png: 48 x 40 pixels, by sd15-decoder\n"
    )
    expected = load("sd15-decoder").decode(raw[0] * np.float32(0.18215)).astype(int)
    assert np.abs(read_picture(Path("out.png")) - expected).max() <= 1
    sentence = "z.latent holds raw latents, and the decoder codec4-decoder does not say .*; take a decoder of their"
    check_refusal(sentence, "decode", "z.latent", "--decoder", "codec4-decoder", "-o", "other.png")
    save_file({"latent_tensor": np.concatenate([raw, raw]), "latent_format_version_0": np.zeros(0)}, "z.latent")
    check_refusal("z.latent holds 2 latents; give one", "decode", "z.latent", "-o", "other.png")
    save_file({"latent_tensor": np.zeros((1, 16, 5, 6), np.float32)}, "z.latent")
    sentence = "whose latents of 16 channels it holds; name the model with --space sd3, "
    check_refusal(sentence, "decode", "z.latent", "-o", "other.png")
    save_file({"latent_tensor": raw}, "z.latent")
    facts = json.loads(ola("inspect", "z.latent", "--json").stdout)
    assert (facts["raw"], facts["makes"], facts["imitates"], facts["shape"]) == (False, None, None, [4, 5, 6])
