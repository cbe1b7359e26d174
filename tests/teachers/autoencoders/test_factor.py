"""Autoencoders whose latents stand for another number of pixels than 8: loaded, and their data written and read."""

from pathlib import Path

import numpy as np
import pytest

from olacore.data import EncodedDataset, open_dataset
from olacore.errors import ConfigError, FileFormatError, ShapeError
from teachers import LoadOptions, PictureRule, load_teacher, precompute
from teachers.autoencoders.self_test import SIDE
from tests.support.plain_samples import save_photographs
from tests.support.teacher_samples import build_kl, save_kl, save_model

OPTIONS = LoadOptions(self_test=False)


WAYS = (("down", "DownEncoder"), ("up", "UpDecoder"))


def save_with(factor: int, kind: str, folder: Path) -> Path:
    """A small random model of so many pixels a site."""
    stages = factor.bit_length()
    if kind == "kl":
        blocks = {f"{way}_block_types": (f"{name}Block2D",) * stages for way, name in WAYS}
        return save_kl(folder, build_kl(block_out_channels=(8,) * stages, **blocks))
    blocks = {f"{way}_block_out_channels": (4,) * stages for way in ("encoder", "decoder")}
    counts = {f"num_{way}_blocks": (1,) * stages for way in ("encoder", "decoder")}
    return save_model(folder, **blocks, **counts)


@pytest.mark.parametrize("kind", ["kl", "tiny"])
@pytest.mark.parametrize("factor", [4, 16, 32])
def test_factor__is_the_models(tmp_path: Path, kind: str, factor: int) -> None:
    teacher = load_teacher(save_with(factor, kind, tmp_path / "vae"), OPTIONS)
    assert teacher.space.factor == factor
    frames = np.random.default_rng(0).integers(0, 256, (1, 2 * factor, 3 * factor, 3), np.uint8)
    latents = teacher.encode(frames)
    assert latents.shape == (1, 4, 2, 3)
    assert teacher.decode(latents).shape == frames.shape
    with pytest.raises(ShapeError, match=f"multiples of {factor}; got {2 * factor} x {3 * factor - 1}"):
        teacher.encode(frames[:, :, 1:])
    assert SIDE % factor == 0


@pytest.mark.parametrize("factor", [4, 16])
def test_factor__data_are_written_and_read(tmp_path: Path, factor: int) -> None:
    save_photographs(tmp_path / "photos", 3)
    teacher = load_teacher(save_with(factor, "kl", tmp_path / "vae"), OPTIONS)
    with pytest.raises(ConfigError, match=f"multiple of {factor}, the pixels that a latent of vae stands for; got 34"):
        precompute([tmp_path / "photos"], tmp_path / "out.h5", teacher, PictureRule(size=34))
    precompute([tmp_path / "photos"], tmp_path / "out.h5", teacher, PictureRule(size=32), recon=True)
    with open_dataset(tmp_path / "out.h5") as data:
        assert data.space == teacher.space
        assert data.latent_shape == (4, 32 // factor, 32 // factor)
        assert data.verify() == []
        rows = data.read(("frames", "latents", "recon"), np.arange(3))
        np.testing.assert_array_equal(rows["latents"], teacher.encode(rows["frames"]).astype(np.float16))
        np.testing.assert_array_equal(rows["recon"], teacher.decode(rows["latents"]))


def test_factor__self_test_looks_at_its_own_sites(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="gives real pictures back with"):
        load_teacher(save_with(16, "kl", tmp_path / "vae"))


def test_factor__latents_are_replaced_by_those_of_another(tmp_path: Path) -> None:
    class Encodes:
        def __init__(self, factor: int) -> None:
            self.teacher = load_teacher(save_with(factor, "kl", tmp_path / f"vae{factor}"), OPTIONS)
            self.makes = self.teacher.space
            self.encode = self.teacher.encode

    save_photographs(tmp_path / "photos", 3)
    one, other = Encodes(4), Encodes(16)
    precompute([tmp_path / "photos"], tmp_path / "out.h5", one.teacher, PictureRule(size=16))
    with open_dataset(tmp_path / "out.h5") as data, EncodedDataset(data, other) as seen:
        assert (data.latent_shape, seen.latent_shape) == ((4, 4, 4), (4, 1, 1))
        assert seen.row_bytes(("latents",)) == 8
        assert seen.verify() == []
        found = seen.read(("latents",), np.arange(3))["latents"]
        np.testing.assert_array_equal(found, other.encode(data.read(("frames",), np.arange(3))["frames"]).astype("f2"))
    precompute([tmp_path / "photos"], tmp_path / "small.h5", one.teacher, PictureRule(size=8))
    message = "height and width must be multiples of 16; got 8 x 8"
    with open_dataset(tmp_path / "small.h5") as data, pytest.raises(ConfigError, match=message):
        EncodedDataset(data, other)
