"""Patterns of the sources that decide about a measurement match today's places."""

import pytest

from bench.common.sources import code_digest
from bench.ovae import sources

NAMES = [name for name in vars(sources) if name.isupper()]


def test_patterns__are_of_four_kinds():
    assert NAMES == ["SEARCH", "BACKPROP", "PICTURES", "SPEED"]


@pytest.mark.parametrize("name", NAMES)
def test_patterns__match_files(name):
    digests = [code_digest(pattern) for pattern in getattr(sources, name)]
    assert len({*digests, code_digest(*getattr(sources, name))}) == len(digests) + 1
