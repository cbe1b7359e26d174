"""Latent spaces, sources and checksums: equal where they should be, different where they must be."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from data_samples import SOURCES, SPACE

from olacore.data import LatentSpace, Source
from olacore.data.schema import STORED_ROW, checksum_rows, pack_sources, unpack_sources
from olacore.errors import ConfigError


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


def test_sources__survive_packing() -> None:
    assert unpack_sources(pack_sources(SOURCES)) == SOURCES


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
