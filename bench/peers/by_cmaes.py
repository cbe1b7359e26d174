"""SepCMA of the library cmaes (Nomura and Shibata 2024, arXiv:2402.01373).

The documentation names it for many variables (Ros and Hansen 2008, doi:10.1007/978-3-540-87700-4_30). Its
sampler gives one candidate a call; there is no vectorised form.
"""

from __future__ import annotations

import numpy as np


class Cmaes:
    """One `SepCMA` a group.

    Parameters
    ----------
    sigma : initial step size
    population : 0 takes the library's default for the dimension, 4 + 3 log(dim)
    """

    def __init__(self, groups: int, dim: int, seed: int, sigma: float = 0.1, population: int = 0) -> None:
        from cmaes import SepCMA

        self.searches = [
            SepCMA(np.zeros(dim), sigma, seed=seed * groups + group, population_size=population or None)
            for group in range(groups)
        ]
        self.asked: list[list[np.ndarray]] = []

    def ask(self) -> np.ndarray:
        """Sample all groups."""
        self.asked = [[search.ask() for _ in range(search.population_size)] for search in self.searches]
        return np.asarray(self.asked)

    def tell(self, losses: np.ndarray) -> None:
        """Update all groups."""
        for search, asked, told in zip(self.searches, self.asked, losses, strict=True):
            search.tell(list(zip(asked, told.tolist(), strict=True)))

    def mean(self) -> np.ndarray:
        """Means of the distributions."""
        return np.asarray([search.mean for search in self.searches])

    def describe(self) -> dict[str, object]:
        """The population that was used."""
        return {"population": self.searches[0].population_size}
