"""LM-MA-ES of pyribs, whole and row by row."""

import pytest

from tests.support.peer_makers import check_peer


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rowwise", [False, True], ids=["whole", "rowwise"])
def test_ribs__gets_below_the_mean(rowwise):
    # It takes no more candidates than there are numbers.
    check_peer("ribs", rowwise, population=6)
