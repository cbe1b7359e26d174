"""A strategy that sends migrants, and data for it."""

import pytest

from olacore.search.islands import post
from olacore.strategies import STRATEGIES
from tests.support.islanders import Sailing
from tests.support.makers import write_plain


@pytest.fixture(autouse=True)
def _sailing(monkeypatch):
    monkeypatch.setitem(STRATEGIES, Sailing.name, Sailing)
    monkeypatch.setattr(post, "TRY_PAUSE", 0.01)


@pytest.fixture
def plain(tmp_path):
    return write_plain(tmp_path / "plain.h5")
