"""`ola encode`."""

import numpy as np
import pytest
from PIL import Image

from olacore.media.pictures import read_picture, write_picture
from olacore.modules.latent_file import read_latent
from olacore.modules.module import load
from tests.support.command import check_refusal, ola
from tests.support.makers import SPACE


def test_encode__gives_the_latent_of_the_picture(folder):
    out = ola("encode", "photos/a.png", "--encoder", "E", "-o", "z.npy").output
    assert out == "z.npy: 4 x 4 x 5\n"
    np.testing.assert_array_equal(np.load("z.npy"), load("E").encode(read_picture(folder / "photos" / "a.png")))


def test_encode__keeps_spaces_and_size_in_npz(folder):
    ola("encode", "photos/a.png", "--encoder", "E", "-o", "z.npz")
    stored = read_latent(folder / "z.npz")
    assert (stored.makes, stored.imitates, stored.size) == (load("E").makes, SPACE, (27, 40))


def test_encode_then_decode__gives_a_picture_of_the_same_size(run_folders, tmp_path):
    picture = tmp_path / "in.png"
    write_picture(picture, np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8))
    latent, back = tmp_path / "z.npy", tmp_path / "out.png"
    ola("encode", picture, "--encoder", run_folders["encoder"] / "module.safetensors", "-o", latent)
    assert np.load(latent).shape == (4, 5, 7)
    ola("decode", latent, "--decoder", run_folders["decoder"] / "module.safetensors", "-o", back)
    assert read_picture(back).shape == (40, 56, 3)


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((1, 1), "L"), ((9, 30), "LA"), ((794, 1036), "RGB"), ((8, 17), "RGBA"), ((7, 5), "I;16"), ((3, 50), "P")],
)
def test_encode_then_decode__gives_any_picture_back_in_its_size(run_folders, tmp_path, shape, mode):
    picture, latent, back = tmp_path / "in.png", tmp_path / "z.npz", tmp_path / "out.png"
    levels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    (Image.fromarray(levels.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(levels).convert(mode)).save(
        picture
    )
    ola("encode", picture, "--encoder", run_folders["encoder"], "-o", latent)
    assert np.load(latent)["latent"].shape == (4, -(-shape[0] // 8), -(-shape[1] // 8))
    ola("decode", latent, "--decoder", run_folders["decoder"], "-o", back)
    assert read_picture(back).shape == (*shape, 3)


def test_encode__without_a_name_takes_a_free_one_beside_the_picture(folder):
    for name in ("a.npz", "a-2.npz", "a-3.npz"):
        out = ola("encode", "photos/a.png", "--encoder", "E", *(["--force"] if name == "a-3.npz" else [])).output
        assert out.startswith(f"photos/{name}: 4 x 4 x 5")
        assert ("(photos/a.npz was there already)" in out) == (name != "a.npz")
    assert read_latent(folder / "photos" / "a-3.npz").size == (27, 40)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("missing.png", "--encoder", "E", "-o", "z.npy"), "cannot read the picture missing.png: No such file"),
        (("photos/a.png", "--encoder", "D", "-o", "z.npy"), "a module of kind decoder cannot encode; use decode"),
        (("photos/a.png", "--encoder", "E", "-o", "z.png"), r"a latent is written as \.npy or \.npz; got 'z\.png'"),
        (
            ("photos/a.png", "--encoder", "sd9-encoder", "-o", "z.npy"),
            r"sd9-encoder is no file and no pretrained encoder \(did you mean (sd\w+-encoder[, or]*){3}\?\)",
        ),
        (("photos/a.png", "--encoder", "E", "-o", "nan.npy"), "already there"),
        (("photos/a.png", "--encoder", "E", "-o", "z.npy", "--max-pixels", "9"), "--max-pixels [0-9]+ allows it"),
    ],
)
def test_errors__are_one_line_and_exit_code_1(folder, arguments, sentence):
    check_refusal(sentence, "encode", *arguments)
