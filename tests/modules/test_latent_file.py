"""Latents in files: what comes back, and what is refused."""

import json

import numpy as np
import pytest

from olacore.errors import ConfigError, FileFormatError
from olacore.modules.latent_file import StoredLatent, read_latent, write_latent
from tests.support.makers import OTHER_SPACE, SPACE

LATENT = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
STORED = StoredLatent(LATENT, SPACE, OTHER_SPACE, (20, 9))


def test_npz__keeps_spaces_and_size(tmp_path):
    for stored in (STORED, StoredLatent(LATENT, SPACE), StoredLatent(LATENT, None, SPACE), StoredLatent(LATENT)):
        write_latent(tmp_path / "z.npz", stored)
        found = read_latent(tmp_path / "z.npz")
        np.testing.assert_array_equal(found.latent, LATENT)
        assert (found.makes, found.imitates, found.size) == (stored.makes, stored.imitates, stored.size)


def test_npz__is_the_same_bytes_every_time(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_latent(tmp_path / name, STORED)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_npy__holds_the_numbers_alone(tmp_path):
    write_latent(tmp_path / "z.npy", STORED)
    np.testing.assert_array_equal(np.load(tmp_path / "z.npy"), LATENT)
    found = read_latent(tmp_path / "z.npy")
    assert (found.spaces, found.size) == ((None, None), None)


def test_read_latent__takes_a_plain_archive(tmp_path):
    np.savez(tmp_path / "z.npz", latent=LATENT)
    np.testing.assert_array_equal(read_latent(tmp_path / "z.npz").latent, LATENT)


@pytest.mark.parametrize("suffix", ["npy", "npz"])
def test_read_latent__takes_a_batch_of_one(suffix, tmp_path):
    path = tmp_path / f"z.{suffix}"
    write_latent(path, StoredLatent(LATENT[None]))
    np.testing.assert_array_equal(read_latent(path).latent, LATENT, strict=True)
    write_latent(path, StoredLatent(np.stack([LATENT, LATENT])))
    assert read_latent(path).latent.shape == (2, 4, 3, 2)


def test_crop__cuts_what_was_padded():
    picture = np.zeros((24, 16, 3), np.uint8)
    assert STORED.crop(picture).shape == (20, 9, 3)
    assert StoredLatent(LATENT).crop(picture).shape == (24, 16, 3)


def test_read_latent__takes_the_one_space_of_version_0_1(tmp_path):
    about = {"space": SPACE.to_dict(), "size": [20, 9]}
    np.savez(tmp_path / "z.npz", latent=LATENT, olacore=np.array(json.dumps(about)))
    found = read_latent(tmp_path / "z.npz")
    assert (found.spaces, found.size) == ((None, SPACE), (20, 9))


def test_write_latent__names_the_suffixes(tmp_path):
    with pytest.raises(ConfigError, match=r"a latent is written as .npy or .npz; got 'z.png'"):
        write_latent(tmp_path / "z.png", STORED)


def test_read_latent__says_what_is_wrong(tmp_path):
    with pytest.raises(FileFormatError, match="cannot read the latent .*nothing.npz: No such file"):
        read_latent(tmp_path / "nothing.npz")
    path = tmp_path / "z.npz"
    write_latent(path, STORED)
    whole = path.read_bytes()
    contents = [whole[:size] for size in range(0, len(whole), 13)] + [b"hello"]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"is no \.np(y or \.np)?z file (of a latent: |that can be read)"):
            read_latent(path)


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ([], "the record must be an object"),
        ({"space": {}}, "size is missing"),
        ({"space": {}, "size": None}, r"space\.maker is missing"),
        ({"makes": None, "size": None}, "imitates is missing"),
        ({"makes": None, "imitates": {"maker": "?"}, "size": None}, r"imitates\.maker_sha256 is missing"),
        ({"space": None, "size": [3]}, "size must be a list of 2 entries"),
        ({"space": None, "size": "ab"}, "size must be a list of 2 entries"),
        ({"space": None, "size": [-3, 4]}, r"size\[0\] must be a whole number of 1 or more; got -3"),
        ({"space": {**SPACE.to_dict(), "channels": 16}, "size": None}, r"shape \(4, 3, 2\) is said to be of"),
        ({"space": {**SPACE.to_dict(), "channels": 4.0}, "size": None}, r"space\.channels must be a whole number"),
        ({"space": {**SPACE.to_dict(), "factor": 10**6}, "size": None}, r"space\.factor must be .* from 1 to 256"),
        ({"space": {**SPACE.to_dict(), "scaling": [[1]]}, "size": None}, r"space\.scaling must be a number, or a list"),
    ],
)
def test_read_latent__refuses_damaged_metadata(about, sentence, tmp_path):
    np.savez(tmp_path / "z.npz", latent=LATENT, olacore=np.array(json.dumps(about)))
    with pytest.raises(FileFormatError, match=f"z.npz is damaged: .*{sentence}"):
        read_latent(tmp_path / "z.npz")


def test_read_latent__refuses_an_archive_of_something_else(tmp_path):
    np.savez(tmp_path / "z.npz", other=LATENT)
    with pytest.raises(FileFormatError, match="is no .npy or .npz file of a latent: it holds no array 'latent'"):
        read_latent(tmp_path / "z.npz")
