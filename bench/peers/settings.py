"""Settings of every peer and where they come from.

What a peer's documentation fixes or recommends is in its own file. What it leaves to the user was chosen by
`python -m bench.peers.tune` on each contested problem, with a seed that is not reported: the inputs that serve it
best (whitened or standardised), rows of a block, population (where none is given the library's own choice served
best), initial spread, and the learning rate of those that take one. Blocks of 256 rows are the smallest that the
kernels are not slower on. Other encoders and decoders take the settings of the one that was tuned.
"""

from __future__ import annotations

from typing import Any

TUNED: dict[str, dict[str, dict[str, Any]]] = {
    "decoder": {
        "adam-standardised": {"inputs": "standardised", "rate": 0.01, "passes": 1, "batch": 1024},
        "adam-whitened": {"inputs": "whitened", "rate": 0.01, "passes": 1, "batch": 1024},
        "cmaes": {"inputs": "standardised", "sigma": 0.01, "block": 256},
        "cmaes/rowwise": {"inputs": "whitened", "sigma": 0.03, "block": 1024},
        "eggroll": {"inputs": "standardised", "sigma": 0.003, "block": 256, "population": 64, "rate": 0.003},
        "eggroll/rowwise": {"inputs": "standardised", "sigma": 0.003, "block": 1024, "population": 16, "rate": 0.003},
        "evosax-crfmnes": {"inputs": "standardised", "sigma": 0.01, "block": 256, "population": 32},
        "evosax-crfmnes/rowwise": {"inputs": "whitened", "sigma": 0.03, "block": 1024, "population": 16},
        "evosax-openes": {"inputs": "standardised", "sigma": 0.01, "block": 256, "population": 16, "rate": 0.003},
        "evosax-pgpe": {"inputs": "standardised", "sigma": 0.003, "block": 256, "population": 256, "rate": 0.1},
        "evosax-sepcma": {"inputs": "standardised", "sigma": 0.01, "block": 256, "population": 32},
        "evosax-snes": {"inputs": "standardised", "sigma": 0.01, "block": 256, "population": 16},
        "fcmaes": {"inputs": "standardised", "sigma": 0.01, "block": 256, "population": 32},
        "fcmaes/rowwise": {"inputs": "whitened", "sigma": 0.01, "block": 1024, "population": 16},
        "nevergrad": {"inputs": "standardised", "sigma": 0.003, "block": 4096, "population": 40},
        "pycma": {"inputs": "standardised", "sigma": 0.01, "block": 256, "population": 64},
        "ribs": {"inputs": "standardised", "sigma": 0.01, "block": 256},
        "ribs/rowwise": {"inputs": "whitened", "sigma": 0.03, "block": 1024},
    },
    "encoder": {
        "adam-standardised": {"inputs": "standardised", "rate": 0.001, "passes": 8, "batch": 1024},
        "adam-whitened": {"inputs": "whitened", "rate": 0.001, "passes": 2, "batch": 1024},
        "cmaes": {"inputs": "standardised", "sigma": 0.001, "block": 4096, "population": 64},
        "cmaes/rowwise": {"inputs": "standardised", "sigma": 0.001, "block": 4096, "population": 64},
        "eggroll": {"inputs": "standardised", "sigma": 0.01, "block": 1024, "population": 64, "rate": 0.001},
        "eggroll/rowwise": {"inputs": "standardised", "sigma": 0.003, "block": 4096, "population": 256, "rate": 0.001},
        "evosax-crfmnes": {"inputs": "standardised", "sigma": 0.003, "block": 4096, "population": 64},
        "evosax-crfmnes/rowwise": {"inputs": "standardised", "sigma": 0.003, "block": 1024, "population": 64},
        "evosax-openes": {"inputs": "standardised", "sigma": 0.03, "block": 1024, "population": 64, "rate": 0.001},
        "evosax-pgpe": {"inputs": "standardised", "sigma": 0.003, "block": 1024, "population": 256, "rate": 0.003},
        "evosax-sepcma": {"inputs": "standardised", "sigma": 0.001, "block": 256, "population": 64},
        "evosax-snes": {"inputs": "standardised", "sigma": 0.001, "block": 4096, "population": 64},
        "fcmaes": {"inputs": "standardised", "sigma": 0.001, "block": 4096, "population": 64},
        "fcmaes/rowwise": {"inputs": "standardised", "sigma": 0.003, "block": 1024, "population": 64},
        "nevergrad": {"inputs": "standardised", "sigma": 0.003, "block": 256, "population": 40},
        "pycma": {"inputs": "standardised", "sigma": 0.001, "block": 1024, "population": 64},
        "ribs": {"inputs": "standardised", "sigma": 0.001, "block": 4096, "population": 64},
        "ribs/rowwise": {"inputs": "standardised", "sigma": 0.001, "block": 1024, "population": 64},
    },
}


def chosen(method: str, problem: str) -> dict[str, Any]:
    """Settings of a method on a problem; none for our own strategies, which run with their defaults."""
    kind = "decoder" if "decoder" in problem else "encoder"
    return dict(TUNED[kind].get(method, {}))
