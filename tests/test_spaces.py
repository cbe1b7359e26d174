"""Latent spaces: told apart where they must be, and refused by name where they do not fit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from olacore.errors import ConfigError, FingerprintError
from olacore.spaces import LatentSpace, accepts, require_same
from tests.support.data_samples import SPACE

OTHER, THIRD = (replace(SPACE, maker=name, maker_sha256=name) for name in ("other", "third"))


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


def test_accepts__one_of_the_spaces_or_nothing_known() -> None:
    renamed = replace(SPACE, maker="whatever its file was called")
    for latents in ((renamed,), (OTHER, renamed), (renamed, None), (None,), (None, None), ()):
        assert accepts(SPACE, *latents)
    assert accepts(None, OTHER)
    for latents in ((OTHER,), (OTHER, THIRD), (None, OTHER)):
        assert not accepts(SPACE, *latents)


def test_require_same__names_both_and_says_what_to_do() -> None:
    require_same("the decoder", SPACE, "z.npz", OTHER, SPACE, then="take another")
    require_same("the decoder", None, "z.npz", OTHER, then="take another")
    with pytest.raises(FingerprintError) as caught:
        require_same("the decoder", SPACE, "z.npz", OTHER, None, THIRD, then="take another")
    assert str(caught.value) == (
        "latent spaces differ: the decoder has someone/tiny, z.npz has other or third; take another."
    )
    same = replace(OTHER, maker=SPACE.maker)
    both = rf"has someone/tiny \({SPACE.fingerprint}\), z.npz has someone/tiny \({same.fingerprint}\)"
    with pytest.raises(FingerprintError, match=both):
        require_same("the decoder", SPACE, "z.npz", same, then="take another")
