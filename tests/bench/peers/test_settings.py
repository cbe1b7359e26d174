"""Settings that were tuned."""

from bench.peers.methods import PEERS, ROWWISE, parse_method
from bench.peers.settings import TUNED, chosen


def test_tuned__are_of_methods_that_there_are():
    for methods in TUNED.values():
        for name, settings in methods.items():
            spec = parse_method(name)
            assert spec.name in PEERS or spec.name.startswith(("adam", "eggroll"))
            assert spec.rowwise == name.endswith(ROWWISE)
            assert settings["inputs"] in ("standardised", "whitened")


def test_chosen__takes_a_kinds_settings_and_none_for_ours():
    assert chosen("cmaes", "decoder-100-192") == TUNED["decoder"]["cmaes"]
    assert chosen("cmaes", "global-512-4") == TUNED["encoder"]["cmaes"]
    assert chosen("rows", "decoder-100-192") == {}
