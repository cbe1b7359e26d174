"""Several teachers in a row, and what of their fields does not fit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, DataError, FingerprintError, ShapeError
from olacore.spaces import LatentSpace
from teachers import PictureRule, precompute
from teachers.jobs.answers import Answers, with_decoding
from teachers.protocol import Arrays
from tests.support.plain_samples import RULE, MeanTeacher, save_photographs
from tests.support.toy_forms import COLOURS, letters, registered
from tests.support.toy_teachers import DENOISED, Colours, Denoiser, Letters, Levels, Toy

SPACE = MeanTeacher.space
CHAIN = (MeanTeacher(4), Letters(2), Levels(), Denoiser(SPACE, steps=1))


@pytest.fixture(autouse=True)
def forms() -> Iterator[None]:
    """The forms of colours and of denoised latents, known."""
    with registered(COLOURS, DENOISED):
        yield


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    save_photographs(folder, 6)
    captions = "".join(f"photo{number}.png\t{'ab' * number}\n" for number in range(5))
    (folder / "captions.tsv").write_text(captions)
    return folder


def test_chain__from_captioned_pictures_to_a_denoiser(tmp_path: Path, photos: Path) -> None:
    rule = PictureRule(size=16, crops=2)
    precompute([photos], tmp_path / "out.h5", CHAIN, rule)
    with open_dataset(tmp_path / "out.h5") as data:
        assert (data.kind, data.count, data.space, data.latent_shape) == ("denoised", 12, SPACE, (4, 2, 2))
        assert data.settings["clean"] == {"steps": 1}
        assert data.verify() == []
        rows = data.read(("frames", "latents", "letters", "level", "clean", "rows"), np.arange(12))
        captions = [data.sources[number].caption for number in rows["rows"]["source"]]
        assert len(data.sources) == 6
    assert captions[-1] == ""
    np.testing.assert_array_equal(rows["letters"], letters(captions))
    # Each is asked about what is stored, not about what the one before said.
    np.testing.assert_array_equal(rows["latents"], MeanTeacher().encode(rows["frames"]).astype(np.float16))
    level = Levels().answer(rows)["level"].astype(np.float32)
    np.testing.assert_array_equal(rows["level"], level)
    np.testing.assert_array_equal(rows["clean"], Denoiser(SPACE).answer(rows)["clean"].astype(np.float16))


@pytest.mark.parametrize("after", [0, 2, 6])
def test_chain__resumed_file_has_the_same_bytes(tmp_path: Path, photos: Path, after: int) -> None:
    whole, resumed = tmp_path / "whole.h5", tmp_path / "resumed.h5"
    rule = PictureRule(size=16, crops=2)
    precompute([photos], whole, CHAIN, rule)

    def stop(what: str, done: int, total: int) -> None:
        if (what, done) == ("rows", after):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        precompute([photos], resumed, CHAIN, rule, progress=stop)
    assert resumed.read_bytes() != whole.read_bytes()
    precompute([photos], resumed, CHAIN, rule, resume=True)
    assert resumed.read_bytes() == whole.read_bytes()
    changed = (*CHAIN[:3], Denoiser(SPACE, steps=2))
    with pytest.raises(ConfigError, match=r"settings\[clean\] {'steps': 1}, now it is {'steps': 2}"):
        precompute([photos], resumed, changed, rule, resume=True)


def test_chain__that_does_not_hang_together() -> None:
    other = replace(SPACE, maker_sha256="cd" * 32)
    for teachers, error, message in (
        (CHAIN[:1] + CHAIN[3:], ConfigError, "denoiser reads level, letters, and there is only frames, captions, lat"),
        (
            (*CHAIN[:3], Denoiser(other)),
            FingerprintError,
            "the first teacher has .*, denoiser has .*; take teachers",
        ),
        ((Colours(),), ConfigError, "no form of data holds colours, spread beside captions, frames; see olacore/lat"),
        ((Both(),), ConfigError, "both writes fields per row and others; make two teachers of it"),
    ):
        with pytest.raises(error, match=message):
            Answers.of(teachers, 16)
    with pytest.raises(ConfigError, match="there is no form of data 'tests/smells/1'; there are olacore/latents/1, "):
        Answers.of(CHAIN, 16, "tests/smells/1")
    with pytest.raises(ConfigError, match="colours encodes only, so there is no decoding to store; leave recon out"):
        with_decoding([Colours()])


class Both(Toy):
    """Writes fields of both sorts."""

    writes = ("colours", "letters")


def test_chain__the_form_may_be_named(tmp_path: Path, photos: Path) -> None:
    with registered(replace(DENOISED, schema="tests/denoised/2")):
        with pytest.raises(ConfigError, match="2 forms of data hold clean, .*see tests/denoised/1, tests/denoised/2"):
            precompute([photos], tmp_path / "out.h5", CHAIN, RULE)
        precompute([photos], tmp_path / "out.h5", CHAIN, RULE, form="tests/denoised/2")
        with open_dataset(tmp_path / "out.h5") as data:
            assert (data.form.schema, data.count) == ("tests/denoised/2", 6)


class Wrong(Letters):
    """Answers something else than it says."""

    def __init__(self, found: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.found = found

    def answer(self, arrays: Arrays) -> dict[str, np.ndarray]:
        return {name: array[: len(arrays["captions"])] for name, array in self.found.items()}


@pytest.mark.parametrize(
    ("found", "error", "message"),
    [
        ({"numbers": np.ones((9, 3))}, ShapeError, "wrong writes letters; got numbers"),
        ({"letters": np.ones((1, 3))}, ShapeError, r"letters must be \(6, 3\); got \(2, 3\)"),
        ({"letters": np.full((9, 3), np.nan)}, DataError, r"letters must be finite as float16; 6 sources are not"),
    ],
)
def test_chain__wrong_answers(
    tmp_path: Path, photos: Path, found: dict[str, np.ndarray], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        precompute([photos], tmp_path / "out.h5", (Colours(), Wrong(found)), RULE)
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("size", [12, 40])
def test_size__is_a_multiple_of_the_factor(tmp_path: Path, photos: Path, size: int) -> None:
    class Coarse(MeanTeacher):
        space: LatentSpace = replace(SPACE, factor=16)

    with pytest.raises(ConfigError, match=f"multiple of 16, the pixels that a latent of tests/mean .*; got {size}"):
        precompute([photos], tmp_path / "out.h5", Coarse(), PictureRule(size=size))
    assert not (tmp_path / "out.h5").exists()
