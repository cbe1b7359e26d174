"""Strategies of evosax, whole and row by row."""

import pytest

from bench.peers.methods import PEERS
from tests.support.peer_makers import check_peer

RATES = {"evosax-pgpe": 0.05, "evosax-openes": 0.05}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("rowwise", [False, True], ids=["whole", "rowwise"])
@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if peer.package == "evosax"])
def test_evosax__gets_below_the_mean(name, rowwise):
    check_peer(name, rowwise, **({"rate": RATES[name]} if name in RATES else {}))
