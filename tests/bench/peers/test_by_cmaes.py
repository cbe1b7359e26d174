"""SepCMA of cmaes, whole and row by row."""

import pytest

from tests.support.peer_makers import check_peer


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rowwise", [False, True], ids=["whole", "rowwise"])
def test_cmaes__gets_below_the_mean(rowwise):
    check_peer("cmaes", rowwise)
