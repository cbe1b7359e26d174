"""Pictures in an array of a `.npz` file."""

from pathlib import Path

import numpy as np
import pytest

from olacore.errors import FileFormatError
from olacore.media.find import find_inputs
from olacore.media.stack import open_stack


def save(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


def test_stack__gives_a_picture_for_each_row(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), np.uint8)
    images[2] = images[0]
    inputs, refused = find_inputs([save(tmp_path / "p.npz", images=images, more=np.zeros(2))])
    assert ([one.name for one in inputs], refused) == (["p 00000", "p 00001", "p 00002"], [])
    for one, image in zip(inputs, images, strict=True):
        np.testing.assert_array_equal(one.picture(), image)
    digests = [one.digest() for one in inputs]
    assert digests[0] == digests[2] != digests[1]
    assert str(inputs[1]) == f"picture 1 in {tmp_path / 'p.npz'}"


@pytest.mark.parametrize(
    "images", [np.zeros((2, 4, 5, 3)), np.zeros((4, 5, 3), np.uint8), np.zeros((0, 4, 5, 3), np.uint8)]
)
def test_stack__of_something_else(tmp_path, images):
    with pytest.raises(FileFormatError, match=r"must be uint8 \(n, H, W, 3\)"):
        open_stack(save(tmp_path / "p.npz", images=images))


def test_stack__without_pictures_is_told(tmp_path):
    inputs, refused = find_inputs([save(tmp_path / "p.npz", z=np.zeros(3))])
    assert not inputs
    assert "holds no array 'images'" in refused[0][1]


def test_stack__that_is_missing_or_damaged(tmp_path):
    (tmp_path / "p.npz").write_bytes(b"PK\3\4 and so on")
    for name in ("none.npz", "p.npz"):
        with pytest.raises(FileFormatError, match=name):
            open_stack(tmp_path / name)
