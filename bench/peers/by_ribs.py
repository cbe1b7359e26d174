"""LM-MA-ES of pyribs (Loshchilov, Glasmachers and Beyer 2019, arXiv:1705.06693; Tjanaka et al. 2023, arXiv:2303.00191).

The optimizer behind pyribs' emitters, driven directly. Half of a population are parents, as in its emitters' rule "mu".
"""

from __future__ import annotations

import numpy as np


class Ribs:
    """One `LMMAEvolutionStrategy` a group.

    Parameters
    ----------
    sigma : initial step size
    population : 0 takes the library's default for the dimension, 4 + 3 log(dim)
    """

    def __init__(self, groups: int, dim: int, seed: int, sigma: float = 0.1, population: int = 0) -> None:
        from ribs.emitters.opt import LMMAEvolutionStrategy

        self.searches = [
            LMMAEvolutionStrategy(sigma, dim, population or None, seed * groups + group, np.float64)
            for group in range(groups)
        ]
        for search in self.searches:
            search.reset(np.zeros(dim))

    def ask(self) -> np.ndarray:
        """Sample all groups."""
        return np.asarray([search.ask() for search in self.searches])

    def tell(self, losses: np.ndarray) -> None:
        """Update all groups."""
        for search, told in zip(self.searches, losses, strict=True):
            order = np.argsort(told)
            search.tell(order, -told[order], len(told) // 2)

    def mean(self) -> np.ndarray:
        """Means of the distributions."""
        return np.asarray([search.mean for search in self.searches])

    def describe(self) -> dict[str, object]:
        """The population that was used."""
        return {"population": int(self.searches[0].batch_size)}
