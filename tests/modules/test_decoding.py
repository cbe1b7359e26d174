"""Latents of other programs to pictures: whose they are, how they are scaled, and a folder of them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from olacore.errors import (
    ConfigError,
    DataError,
    FileFormatError,
    FingerprintError,
    OutputError,
    OutputExistsError,
    ShapeError,
)
from olacore.media.frames import shrunk
from olacore.media.pictures import read_picture
from olacore.modules.decoding import Decoding, PlainDecoder, decode_file, decode_folder
from olacore.modules.latent_doubts import LatentWarning
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.modules.module import load
from olacore.spaces import FAMILIES, LatentSpace
from olacore.views.patch import PatchDecoder
from olacore.views.refining import Refiner
from olacore.views.whole import WholeDecoder
from tests.support.makers import make_module
from tests.support.torch_files import write_torch

RAW = {"latent_format_version_0": np.zeros(0, np.float32)}


def scaled(family: str) -> np.ndarray:
    """Latents as the denoiser of a family sees them."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(FAMILIES[family].channels, 3, 2)).astype(np.float32)


def raw(family: str) -> np.ndarray:
    """The same as its autoencoder has them."""
    known = FAMILIES[family]
    return (scaled(family) / known.scaling + known.shift).astype(np.float32)


def write(folder: Path, suffix: str, latent: np.ndarray) -> Path:
    """A file of another program; one of ComfyUI is raw."""
    path = folder / f"z.{suffix}"
    if suffix == "pt":
        write_torch(path, latent[None], "f4")
    elif suffix == "npy":
        np.save(path, latent)
    else:
        save_file({"latent_tensor": latent[None], **(RAW if suffix == "latent" else {})}, path)
    return path


def check(made, family: str) -> None:
    """Whether a picture is that of the scaled latents, up to what rounding makes of a raw one."""
    expected = load(f"{family}-decoder").decode(scaled(family))
    assert np.abs(made.pixels.astype(int) - expected).max() <= 1
    assert not made.warnings


@pytest.mark.parametrize("family", [*FAMILIES])
@pytest.mark.parametrize("suffix", ["latent", "pt", "safetensors", "npy"])
def test_raw__is_scaled_as_the_decoder_asks_for(family, suffix, tmp_path):
    path = write(tmp_path, suffix, raw(family))
    scale = None if suffix == "latent" else "raw"
    for asked in (
        {"decoder": f"{family}-decoder"},
        {"space": family},
        {"decoder": f"{family}-decoder", "space": family},
    ):
        check(Decoding(**asked, scale=scale).decode(path, tmp_path / "o.png")[0], family)


def test_comfy__without_a_word_is_taken_for_sd_1_5(tmp_path):
    made = Decoding().decode(write(tmp_path, "latent", raw("sd15")), tmp_path / "o.png")[0]
    check(made, "sd15")
    assert made.decoder == "sd15-decoder"
    assert made.notes == ("z.latent is taken for SD 1.5, raw: multiplied by 0.18215",)
    made = Decoding(scale="scaled").decode(write(tmp_path, "latent", scaled("sd15")), tmp_path / "o.png")[0]
    check(made, "sd15")
    assert made.notes == ("z.latent is taken for SD 1.5, scaled",)
    path = write(tmp_path, "latent", raw("sd3"))
    with pytest.raises(
        ConfigError, match=r"z.latent does not say whose latents of 16 channels it holds; .* --space sd3,"
    ):
        Decoding().decode(path, tmp_path / "o.png")
    made = Decoding(space="sd3").decode(path, tmp_path / "o.png")[0]
    assert made.notes == ("z.latent is of SD 3, raw: 0.0609 subtracted, then multiplied by 1.5305",)


def test_comfy__an_old_file_is_scaled_already(tmp_path):
    path = tmp_path / "z.latent"
    save_file({"latent_tensor": scaled("sd15")[None]}, path)
    for asked, note in (
        ({}, "z.latent is taken for SD 1.5, scaled"),
        ({"scale": "scaled"}, "z.latent is taken for SD 1.5, scaled"),
        ({"space": "sd15"}, "z.latent is an old file of ComfyUI, scaled"),
        ({"decoder": "sd15-decoder"}, "z.latent is an old file of ComfyUI, scaled"),
    ):
        (made,) = Decoding(**asked).decode(path, tmp_path / "o.png")
        check(made, "sd15")
        assert made.notes == (note,)
        assert made.decoder == "sd15-decoder"


@pytest.mark.parametrize("suffix", ["pt", "safetensors", "npy"])
def test_others__are_taken_as_scaled_and_odd_ones_are_doubted(suffix, tmp_path):
    check(Decoding(space="sd15").decode(write(tmp_path, suffix, scaled("sd15")), tmp_path / "o.png")[0], "sd15")
    made = Decoding(space="sd15").decode(path := write(tmp_path, suffix, raw("sd15")), tmp_path / "o.png")[0]
    assert "are they unscaled" in made.warnings[0]
    with pytest.raises(ConfigError, match=f"z.{suffix} does not say whose latents it holds; name their decoder"):
        Decoding().decode(path, tmp_path / "o.png")


def test_scale__a_number_and_against_what_a_file_says(tmp_path):
    made = Decoding(space="sd15", scale=0.18215).decode(write(tmp_path, "pt", raw("sd15")), tmp_path / "o.png")[0]
    check(made, "sd15")
    assert made.notes == ("z.pt: multiplied by 0.18215",)
    path = write(tmp_path, "latent", scaled("sdxl"))
    check(Decoding(space="sdxl", scale="scaled").decode(path, tmp_path / "o.png")[0], "sdxl")


def test_scale__of_a_decoder_whose_own_space_is_scaled(tmp_path):
    """As one has that learnt from a full autoencoder."""
    space = LatentSpace("me/vae", "ab" * 32, (0.5, 2.0, 1.0, 1.0), 0.25, 4)
    module = make_module(PatchDecoder(4, 8, 3), space)
    module.save(tmp_path / "m")
    latents = scaled("sd15")
    each = np.array(space.scaling, np.float32).reshape(4, 1, 1)
    np.save(tmp_path / "z.npy", latents / each + np.float32(0.25))
    made = Decoding(str(tmp_path / "m"), scale="raw").decode(tmp_path / "z.npy", tmp_path / "o.png")[0]
    assert np.abs(made.pixels.astype(int) - module.run(latents)).max() <= 1


def test_what_does_not_go_together__is_refused(tmp_path):
    path = write(tmp_path, "latent", raw("sd15"))
    with pytest.raises(ConfigError, match=r"a space is one of sd15, sdxl, sd3; got 'flux'"):
        Decoding(space="flux")
    with pytest.raises(FingerprintError, match="sdxl-decoder reads latents of SDXL, not of SD 1.5; take sd15-decoder"):
        Decoding("sdxl-decoder", "sd15").decode(path, tmp_path / "o.png")
    with pytest.raises(ConfigError, match="z.latent holds raw latents, and the decoder codec4-decoder does not say"):
        Decoding("codec4-decoder").decode(path, tmp_path / "o.png")
    with pytest.raises(ShapeError, match="latents must be .* with 16 channels; got"):
        Decoding(space="sd3").decode(path, tmp_path / "o.png")
    for wrong in (np.nan, np.inf, 1e9):
        with pytest.raises(
            DataError, match="latents must be finite as float16; got 24 values that are NaN, inf or too"
        ):
            Decoding(space="sd15").decode(write(tmp_path, "pt", scaled("sd15") * 0 + wrong), tmp_path / "o.png")
    encoder = load("sd15-encoder")
    write_latent(tmp_path / "z.npz", StoredLatent(scaled("sd15"), encoder.makes, encoder.imitates))
    with pytest.raises(ConfigError, match="z.npz says how its latent is scaled.*; leave --scale out"):
        Decoding(scale="raw").decode(tmp_path / "z.npz", tmp_path / "o.png")
    with pytest.raises(FingerprintError, match="latent spaces differ: the decoder sdxl-decoder has"):
        Decoding(space="sdxl").decode(tmp_path / "z.npz", tmp_path / "o.png")
    check(Decoding(space="sd15").decode(tmp_path / "z.npz", tmp_path / "o.png")[0], "sd15")


def test_size__is_that_of_the_means_and_crops_as_much(tmp_path):
    encoder = load("sd15-encoder")
    write_latent(tmp_path / "z.npz", StoredLatent(scaled("sd15"), encoder.makes, encoder.imitates, (20, 13)))
    for shrink, shape in ((1, (20, 13, 3)), (2, (10, 7, 3)), (8, (3, 2, 3))):
        made = decode_file(Decoding(shrink=shrink), tmp_path / "z.npz", tmp_path / "o.png", force=True)
        assert made.pixels.shape == read_picture(tmp_path / "o.png").shape == shape


@pytest.mark.filterwarnings("ignore:the latents lie oddly")
@pytest.mark.parametrize("name", ["sd15-decoder", "sd3-decoder"])
@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_shrink__is_the_mean_of_each_block(name, shrink):
    module = load(name)
    for sides in ((1, 1), (3, 5), (16, 24)):
        latents = np.random.default_rng(0).normal(size=(2, module.reads.channels, *sides)).astype(np.float32)
        whole = module.decode(latents).astype(np.float64)
        blocks = whole.reshape(2, sides[0] * 8 // shrink, shrink, sides[1] * 8 // shrink, shrink, 3)
        found = module.decode(latents, shrink=shrink)
        assert found.dtype == np.uint8
        assert np.abs(found - blocks.mean((2, 4))).max() <= 0.5
        np.testing.assert_array_equal(module.decode(latents[0], shrink=shrink), found[0], strict=True)


def test_shrink__is_one_of_four():
    for shrink in (0, 3, 16, -2, "2", None):
        with pytest.raises(ConfigError, match="shrink must be 1, 2, 4 or 8, and divide 8 pixels a site; got"):
            load("sd15-decoder").decode(scaled("sd15"), shrink=shrink)
    with pytest.raises(ConfigError, match="and divide 4 pixels a site; got 8"):
        make_module(PatchDecoder(4, 4, 3)).decode(scaled("sd15"), shrink=8)


def fill(folder: Path) -> Path:
    """A folder of latents of SD 1.5, two of which are broken, beside what is none."""
    folder.mkdir()
    for name in "ca":
        save_file({"latent_tensor": raw("sd15")[None], **RAW}, folder / f"{name}.latent")
    save_file({"latent_tensor": np.stack([raw("sd15")] * 3), **RAW}, folder / "d.latent")
    (folder / "b.latent").write_bytes(b"hello")
    np.save(folder / "e.npy", np.full((4, 2, 2), np.nan, np.float32))
    (folder / "notes.txt").write_text("none")
    (folder / "sub.pt").mkdir()
    np.save(folder / ".hidden.npy", scaled("sd15"))
    return folder


def test_folder__decodes_all_and_names_what_is_broken(tmp_path, monkeypatch):
    folder, loaded = fill(tmp_path / "in"), []
    monkeypatch.setattr("olacore.modules.module.load", lambda name: loaded.append(name) or load(name))
    made = dict(decode_folder(Decoding("sd15-decoder"), folder, tmp_path / "a" / "out"))
    assert [path.name for path in made] == ["a.latent", "b.latent", "c.latent", "d.latent", "e.npy"]
    assert loaded == ["sd15-decoder"]
    assert isinstance(made[folder / "b.latent"], FileFormatError)
    assert "must be finite" in str(made[folder / "e.npy"])
    written = sorted(path.name for path in (tmp_path / "a" / "out").iterdir())
    assert written == ["a.png", "c.png", "d-1.png", "d-2.png", "d-3.png"]
    expected = load("sd15-decoder").decode(scaled("sd15"))
    for name in written:
        assert np.abs(read_picture(tmp_path / "a" / "out" / name).astype(int) - expected).max() <= 1


def test_folder__refuses_clashes_before_the_work(tmp_path, monkeypatch):
    folder = fill(tmp_path / "in")
    monkeypatch.setattr("olacore.modules.decoding.Decoding.decode", None)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "c.png").write_bytes(b"mine")
    with pytest.raises(OutputExistsError, match="c.png is already there; give --force"):
        decode_folder(Decoding(), folder, tmp_path / "out")
    np.save(folder / "a.npy", scaled("sd15"))
    with pytest.raises(ConfigError, match=r"a.latent and a.npy would both become .*a.png; rename one"):
        decode_folder(Decoding(), folder, tmp_path / "out", force=True)
    with pytest.raises(FileFormatError, match="the folder .*sub.pt holds no latents"):
        decode_folder(Decoding(), folder / "sub.pt", tmp_path / "out")
    (folder / "a.npy").unlink()
    with pytest.raises(OutputError, match="notes.txt: it is no folder"):
        decode_folder(Decoding(), folder, folder / "notes.txt")
    assert (tmp_path / "out" / "c.png").read_bytes() == b"mine"
    with pytest.raises(FileFormatError, match="nothing is no file and no pretrained module"):
        decode_folder(Decoding("nothing"), folder, tmp_path / "out", force=True)


def test_folder__a_batch_takes_no_others_name(tmp_path):
    folder = fill(tmp_path / "in")
    (folder / "c.latent").rename(folder / "d-2.latent")
    made = dict(decode_folder(Decoding(), folder, tmp_path / "out"))
    assert "d.latent holds 3 latents, and " in str(made[folder / "d.latent"])
    assert "d-2.png is d-2.latent's" in str(made[folder / "d.latent"])


def test_folder__a_batch_replaces_nothing(tmp_path):
    folder = fill(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "d-2.png").write_bytes(b"mine")
    made = dict(decode_folder(Decoding(), folder, tmp_path / "out"))
    assert "d-2.png is already there" in str(made[folder / "d.latent"])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png", "d-2.png"]
    assert (tmp_path / "out" / "d-2.png").read_bytes() == b"mine"


def test_folder__refuses_a_wrong_refiner_before_the_work(tmp_path, monkeypatch):
    folder, path = fill(tmp_path / "in"), tmp_path / "r.safetensors"
    make_module(Refiner(), None, hidden=(4,)).save(path)
    monkeypatch.setattr("olacore.modules.decoding.Decoding.decode", None)
    for asked in ({"decoder": "sd15-decoder"}, {"space": "sd15"}):
        with pytest.raises(FingerprintError, match="was trained on the pictures of another decoder than sd15-decoder"):
            decode_folder(Decoding(**asked, refiner=str(path)), folder, tmp_path / "out")
    for asked in ({}, {"decoder": "sd15-decoder"}):
        with pytest.raises(ConfigError, match="--refiner takes a refiner; sd3-decoder is a patch decoder"):
            decode_folder(Decoding(**asked, refiner="sd3-decoder"), folder, tmp_path / "out")
        with pytest.raises(FileFormatError, match="nothing is no file and no pretrained module"):
            decode_folder(Decoding(**asked, refiner="nothing"), folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_file__of_several_is_refused(tmp_path):
    np.save(tmp_path / "z.npy", np.stack([scaled("sd15")] * 2))
    with pytest.raises(
        ShapeError, match=r"z.npy holds 2 latents; give one, of shape \(C, h, w\), or the file's folder"
    ):
        decode_file(Decoding("sd15-decoder"), tmp_path / "z.npy", tmp_path / "o.png")


def test_decode__still_warns_in_python():
    with pytest.warns(LatentWarning, match="unscaled"):
        load("sd15-decoder").decode(raw("sd15"), shrink=4)


@pytest.mark.parametrize("family", ["sd15", "sd3"])
def test_decode__of_one_latent_needs_no_numba(family, tmp_path):
    np.save(tmp_path / "z.npy", scaled(family))
    code = (
        "import sys; from pathlib import Path; from olacore.modules.decoding import Decoding, decode_file;"
        f"decode_file(Decoding({family + '-decoder'!r}, kernels=False), Path('z.npy'), Path('z.png'));"
        "assert not {'numba', 'h5py'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    expected = load(f"{family}-decoder").decode(scaled(family)).astype(int)
    assert np.abs(read_picture(tmp_path / "z.png") - expected).max() <= 1


def test_decode__of_a_global_latent_takes_the_kernels(tmp_path):
    make_module(WholeDecoder(4)).save(tmp_path / "m.safetensors")
    assert PlainDecoder.load(str(tmp_path / "m.safetensors")) is None


def test_decode__refines_what_the_decoder_made(tmp_path):
    decoder = load("sd15-decoder-small")
    refiner = make_module(Refiner(), None, hidden=(4,))
    replace(refiner, training={"pictures_sha256": decoder.digest}).save(tmp_path / "r.safetensors")
    np.save(tmp_path / "z.npy", scaled("sd15"))
    decoder.with_refiner(load(tmp_path / "r.safetensors")).save(tmp_path / "d.safetensors")
    drawn = decoder.decode(scaled("sd15"))
    expected = refiner.refine(drawn)
    asked = {"decoder": "sd15-decoder-small", "refiner": str(tmp_path / "r.safetensors")}
    carrying = str(tmp_path / "d.safetensors")
    for wanted, pixels in (
        (asked, expected),
        ({"decoder": carrying}, expected),
        ({**asked, "decoder": carrying}, expected),
        ({"decoder": carrying, "refiner": "none"}, drawn),
        ({"decoder": "sd15-decoder-small", "refiner": "none"}, drawn),
        ({"decoder": "sd15-decoder", "refiner": "none"}, drawn),
    ):
        for shrink in (1, 4):
            (made,) = Decoding(**wanted, shrink=shrink).decode(tmp_path / "z.npy", tmp_path / "z.png")
            np.testing.assert_array_equal(made.pixels, shrunk(pixels, shrink))
            (made,) = Decoding(**wanted, shrink=shrink, kernels=False).decode(tmp_path / "z.npy", tmp_path / "z.png")
            assert np.abs(made.pixels.astype(int) - shrunk(pixels, shrink)).max() <= 1
    refiner.save(tmp_path / "r.safetensors")
    with pytest.raises(
        FingerprintError, match="was trained on the pictures of another decoder than sd15-decoder-small"
    ):
        Decoding(**asked).decode(tmp_path / "z.npy", tmp_path / "z.png")
    with pytest.raises(ConfigError, match="--refiner takes a refiner; sd3-decoder is a patch decoder"):
        Decoding("sd15-decoder", refiner="sd3-decoder").decode(tmp_path / "z.npy", tmp_path / "z.png")
