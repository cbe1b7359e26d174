"""`ola decode`."""

from pathlib import Path

import numpy as np
import pytest

from olacore.media.pictures import read_picture
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.modules.module import load
from tests.support.command import check_refusal, ola
from tests.support.makers import OTHER_SPACE, make_module
from tests.support.vae_samples import DECODER


def test_decode__gives_the_picture_of_the_latent(folder):
    latent = np.random.default_rng(0).normal(0, 0.1, (4, 3, 5)).astype(np.float32)
    np.save("z.npy", latent)
    assert ola("decode", "z.npy", "--decoder", "D", "-o", "out.png").stdout == "out.png: 40 x 24 pixels\n"
    np.testing.assert_array_equal(read_picture(folder / "out.png"), load("D").run(latent))


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
        ("foreign.npz", r"latent spaces differ: the decoder D has .*, foreign.npz has .*\(someone/other\); take"),
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
