"""Latent spaces, sources and checksums: equal where they should be, different where they must be."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from olacore.data import InputFile, LatentSpace, Source
from olacore.data.records import STORED_ROW, checksum_rows, pack_files, pack_sources, unpack_files, unpack_sources
from olacore.errors import ConfigError
from tests.support.data_samples import SOURCES, SPACE


def test_fingerprint__is_the_same_in_every_version() -> None:
    assert LatentSpace("any", "00", 1, 0, 4).fingerprint == "ec2c978c02fe0f6d"


def test_fingerprint__ignores_name_and_number_type() -> None:
    assert replace(SPACE, maker="other").fingerprint == SPACE.fingerprint
    assert replace(SPACE, scaling=1, picture_range=(-1, 1)).fingerprint == SPACE.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"maker_sha256": "cd"},
        {"scaling": 0.18215},
        {"shift": 0.1},
        {"channels": 16},
        {"factor": 16},
        {"picture_range": (0, 1)},
    ],
)
def test_fingerprint__tells_spaces_apart(change: dict[str, Any]) -> None:
    assert replace(SPACE, **change).fingerprint != SPACE.fingerprint


def test_latent_space__survives_a_dict() -> None:
    assert LatentSpace.from_dict(SPACE.to_dict()) == SPACE


def test_latent_space__one_number_a_channel() -> None:
    vectors = replace(SPACE, scaling=(0.5, 2.0), shift=(0, -1))
    assert LatentSpace.from_dict(vectors.to_dict()) == vectors
    assert LatentSpace.from_dict(vectors.to_dict() | {"scaling": np.array([0.5, 2.0])}) == vectors
    assert vectors.fingerprint != SPACE.fingerprint
    assert vectors.fingerprint == replace(vectors, shift=(0.0, -1.0)).fingerprint
    with pytest.raises(ConfigError, match="scaling must be a number or 2 numbers; got 3"):
        replace(SPACE, scaling=(1.0, 2.0, 3.0))


def test_sources__survive_packing() -> None:
    assert unpack_sources(pack_sources(SOURCES)) == SOURCES
    assert "caption" not in (pack_sources(SOURCES).dtype.names or ())
    captioned = (*SOURCES, replace(SOURCES[0], caption="ein Käfer"))
    assert unpack_sources(pack_sources(captioned)) == captioned


def test_files__survive_packing() -> None:
    files = (InputFile("a.mkv", "ab" * 32, 7, 300, 2), InputFile("ü.mp4", "", 0, 0, 0, "ü.mp4 is empty (0 bytes)."))
    assert unpack_files(pack_files(files)) == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "painting", "train"), "'a' was called 'painting'"),
        (("a", "scene", "test"), "'a' was put into 'test'"),
        (("home/a", "scene", "train"), "never a path; got 'home/a'"),
    ],
)
def test_source__refuses_unknown_words_and_paths(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Source(*arguments)


def test_checksum_rows__sees_every_part() -> None:
    rows, array = np.zeros(2, STORED_ROW), np.zeros((2, 3), np.float16)
    before = checksum_rows(rows, [array])
    rows["crc32"] = before
    assert np.array_equal(checksum_rows(rows, [array]), before)
    array[1, 2] = 1
    assert list(checksum_rows(rows, [array]) == before) == [True, False]
    rows["source"][0] = 1
    assert list(checksum_rows(rows, [array]) == before) == [False, False]
