"""Nevergrad, whole and row by row."""

import pytest

from tests.support.peer_makers import check_peer


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rowwise", [False, True], ids=["whole", "rowwise"])
def test_nevergrad__gets_below_the_mean(rowwise):
    # NGOpt picks something else for so few numbers.
    check_peer("nevergrad", rowwise, optimizer="CMA")
