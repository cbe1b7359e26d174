"""A decoder and its refiner in one file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from olacore.media.pictures import read_picture
from olacore.modules.module import load
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.refining import Refiner
from tests.support.command import check_refusal, ola
from tests.support.documents import blocks
from tests.support.makers import REFINERS, make_module, refiner_of, write_pictures

DECODER = make_module(PatchDecoder(4, 8, 3), hidden=(5,), stored="float16")
REFINER = refiner_of(DECODER, REFINERS[-1], hidden=(6,), stored="int8")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    DECODER.save("d.safetensors")
    REFINER.save("r.safetensors")
    make_module(PatchEncoder(4)).save("e.safetensors")
    return tmp_path


@pytest.mark.filterwarnings("ignore:the latents lie")
def test_module__of_both_is_decoded_with(files):
    assert (
        "m.safetensors: d, r, "
        in ola("export", "d.safetensors", "r.safetensors", "--to", "module", "-o", "m.safetensors").output
    )
    ola("export", "r.safetensors", "d.safetensors", "--to", "module", "-o", "n.safetensors")
    both = DECODER.with_refiner(REFINER)
    assert (files / "m.safetensors").read_bytes() == (files / "n.safetensors").read_bytes() == both.content()
    np.save("z.npy", latents := np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32))
    for more, expected in (((), both), (("--refiner", "none"), DECODER)):
        ola("decode", "z.npy", "--decoder", "m.safetensors", *more, "-o", "z.png", "--force")
        assert np.abs(read_picture(files / "z.png").astype(int) - expected.decode(latents)).max() <= 1
    told = ola("inspect", "m.safetensors").output
    assert '"kind": "module, refiner"' in told
    assert f'"context": {REFINER.view.context}' in told


def test_module__takes_the_place_of_the_refiner_that_was_there(files):
    other = refiner_of(DECODER, Refiner())
    DECODER.with_refiner(other).save("m.safetensors")
    ola("export", "m.safetensors", "r.safetensors", "--to", "module", "-o", "n.safetensors")
    assert load("n.safetensors").digest == DECODER.with_refiner(REFINER).digest


def test_module__of_one_is_the_file_itself(files):
    ola("export", "d.safetensors", "--to", "module", "-o", "m.safetensors")
    assert (files / "m.safetensors").read_bytes() == (files / "d.safetensors").read_bytes()


def test_module__refuses_what_does_not_become_one(files):
    to = ("--to", "module", "-o", "x.safetensors")
    sentence = "are a decoder and its refiner; got e .encoder. and d .decoder."
    check_refusal(sentence, "export", "e.safetensors", "d.safetensors", *to)
    check_refusal("are a decoder and its refiner; got d", "export", "d.safetensors", "d.safetensors", *to)
    replace(REFINER, training={}).save("r.safetensors")
    stranger = "r was trained on the pictures of another decoder than d; train it with --pictures-from this one"
    check_refusal(stranger, "export", "d.safetensors", "r.safetensors", *to)
    assert not (files / "x.safetensors").exists()


@pytest.mark.filterwarnings("ignore:the latents lie")
def test_recipe_of_the_document__runs_as_written(files):
    (block,) = blocks("docs/plug-in.md", "A decoder with its refiner in one file")
    make_module(PatchDecoder(4, 8, 3)).save("decoder.safetensors")
    write_pictures(files / "data.h5", (4, 2, 2), (16, 16))
    np.savez(files / "latent.npz", latent=np.zeros((4, 3, 5), np.float32))
    for words in block.commands:
        ola(*words[1:])
    assert load("refined.safetensors").refiner.digest == load("refiner").digest
    assert read_picture(files / "out.png").shape == (24, 40, 3)
