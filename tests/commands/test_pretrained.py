"""Names of pretrained modules, wherever a command takes a module."""

import json
from pathlib import Path

import numpy as np

from olacore import pretrained
from olacore.data.sample import sample_path
from olacore.media.pictures import read_picture, write_picture
from olacore.modules.module import load
from tests.support.command import ola


def test_pretrained__stand_in_for_files_and_are_the_default(run_folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    pretrained.FOLDER.mkdir()
    for kind, folder in run_folders.items():
        (pretrained.FOLDER / f"codec4-{kind}.safetensors").write_bytes((folder / "module.safetensors").read_bytes())
    (pretrained.FOLDER / "codec4-encoder.md").write_text("R2 0.5 on held-out pictures")
    write_picture(Path("in.png"), np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    ola("encode", "in.png", "-o", "z.npy")
    ola("decode", "z.npy", "-o", "out.png")
    np.testing.assert_array_equal(np.load("z.npy"), load(run_folders["encoder"]).encode(read_picture(Path("in.png"))))
    facts = json.loads(ola("inspect", "codec4-encoder", "--json").output)
    assert (facts["kind"], facts["card"]) == ("module, encoder", "R2 0.5 on held-out pictures")
    assert "R2 0.5 on held-out pictures" in ola("inspect", "codec4-encoder").output
    assert "least_squares" in ola("eval", "codec4-decoder", "--h5", sample_path()).output
    ola("precompute", "in.png", "--h5", "own.h5", "--latents-from", "codec4-encoder", "--size", "16")
