"""Whatever is done to the bytes of a small file, it is read, or refused with an error of ours."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from olacore.data import open_dataset, write_pairs
from olacore.errors import OlacoreError
from tests.support.data_samples import write_latents

# What is done, where (a share of the file, most often near its beginning, where the headers are), and with which byte.
STEPS = st.tuples(
    st.sampled_from(["flip", "put", "insert", "delete", "cut"]),
    st.floats(0, 1).map(lambda x: x * x),
    st.integers(0, 255),
)


def write_plain(path: Path) -> Path:
    write_pairs(path, np.ones((20, 3), np.float32), np.ones((20, 2)), np.zeros(20, np.uint8))
    return path


def changed(content: bytes, steps: list[tuple[str, float, int]]) -> bytes:
    """The content with each step done in turn."""
    found = bytearray(content)
    for what, share, value in steps:
        at = int(share * (len(found) - 1))
        if what == "flip":
            found[at] ^= 1 << value % 8
        elif what == "put":
            found[at : at + 8] = bytes([value]) * 8
        elif what == "insert":
            found[at:at] = bytes([value]) * (8 if value % 2 else 1)
        elif what == "delete":
            del found[at : at + 1 + value % 8]
        elif what == "cut" and value < 25:
            del found[max(at, 16) :]
    return bytes(found)


@pytest.mark.parametrize("write", [write_plain, write_latents])
def test_open_dataset__any_change_of_a_file(tmp_path_factory: pytest.TempPathFactory, write: Callable[[Path], Path]):
    folder = tmp_path_factory.mktemp("mutations")
    content = write(folder / "whole.h5").read_bytes()

    @settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(steps=st.lists(STEPS, min_size=1, max_size=3))
    def one(steps: list[tuple[str, float, int]]) -> None:
        path = folder / "changed.h5"
        path.write_bytes(changed(content, steps))
        with suppress(OlacoreError), open_dataset(path) as dataset:
            for name in dataset.contents.layout:
                found = dataset.read((name,), np.arange(dataset.count), checked=False)
                assert len(found[name]) == dataset.count
            dataset.digest()
            dataset.verify()

    one()
