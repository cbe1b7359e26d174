"""Data sets that the tests of training share."""

import pytest

from tests.support.makers import write_pictures, write_plain


@pytest.fixture
def plain(tmp_path):
    return write_plain(tmp_path / "plain.h5")


@pytest.fixture
def pictures(tmp_path):
    return write_pictures(tmp_path / "pictures.h5", (6, 2, 2), (24, 16))
