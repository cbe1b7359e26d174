"""pycma's CMA-ES with a diagonal covariance matrix (Hansen, Akimoto and Baudis, doi:10.5281/zenodo.2559634).

`CMA_diagonal=True` is what pycma's options offer for many variables (Ros and Hansen 2008,
doi:10.1007/978-3-540-87700-4_30); `popsize` and `sigma0` are the two that its documentation asks to be set by the
user. Its stopping criteria are ignored: a block's noise triggers them, and the harness knows when to stop.
"""

from __future__ import annotations

import warnings

import numpy as np


class Pycma:
    """One `CMAEvolutionStrategy` a group.

    Parameters
    ----------
    sigma : initial step size
    population : 0 takes pycma's default for the dimension, 4 + 3 log(dim)
    """

    def __init__(self, groups: int, dim: int, seed: int, sigma: float = 0.1, population: int = 0) -> None:
        import cma

        options = {"CMA_diagonal": True, "verbose": -9, "verb_log": 0, "verb_disp": 0}
        if population:
            options["popsize"] = population
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.searches = [
                # pycma takes the seed 0 for the clock.
                cma.CMAEvolutionStrategy(np.zeros(dim), sigma, {**options, "seed": 1 + seed * groups + group})
                for group in range(groups)
            ]
        self.asked: list[list[np.ndarray]] = []

    def ask(self) -> np.ndarray:
        """Sample all groups."""
        self.asked = [search.ask() for search in self.searches]
        return np.asarray(self.asked)

    def tell(self, losses: np.ndarray) -> None:
        """Update all groups."""
        with warnings.catch_warnings():
            # It warns whenever it bounds an unlikely sample, which a small population has often.
            warnings.simplefilter("ignore")
            for search, asked, told in zip(self.searches, self.asked, losses, strict=True):
                search.tell(asked, told.tolist())

    def mean(self) -> np.ndarray:
        """Means of the distributions."""
        return np.asarray([search.mean for search in self.searches])

    def describe(self) -> dict[str, object]:
        """The population that was used."""
        return {"population": int(self.searches[0].popsize)}
