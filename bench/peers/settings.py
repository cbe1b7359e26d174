"""Settings of every peer and where they come from: what its documentation recommends, then a small grid (`tune.py`).

Of each peer, the inputs that serve it best (whitened or standardised), the rows of a block, the population, the
initial spread and, where it takes one, the learning rate were chosen by `python -m bench.peers.tune`, on each
contested problem, with a seed that is not reported. What a peer's documentation fixes is in its own file.
"""

from __future__ import annotations

from typing import Any

#: Settings of a method on every problem.
SETTINGS: dict[str, dict[str, Any]] = {
    "adam-whitened": {"inputs": "whitened", "rate": 3e-3, "passes": 2, "batch": 1024},
    "adam-standardised": {"inputs": "standardised", "rate": 3e-3, "passes": 8, "batch": 1024},
}
#: Settings of a method on one problem, which override those above.
SPECIAL: dict[tuple[str, str], dict[str, Any]] = {}


def chosen(method: str, problem: str) -> dict[str, Any]:
    """Settings of a method on a problem."""
    return {**SETTINGS.get(method, {}), **SPECIAL.get((method, problem), {})}
