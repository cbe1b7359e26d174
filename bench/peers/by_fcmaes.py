"""CR-FM-NES of fcmaes, compiled (Nomura and Ono 2022, arXiv:2201.11422; Wolz, github.com/dietmarwo/fast-cma-es).

fcmaes' documentation recommends it for many variables, and its author runs it on networks with an initial spread of
0.01 and 48 candidates (issue 13 of github.com/nomuramasahir0/crfmnes); both were tuned from there. It tells its best
candidate, which on noisy blocks is a lucky one; the mean of its distribution is better and is read off the
candidates, which are mirrored about it.
"""

from __future__ import annotations

import numpy as np

from olacore.errors import SearchError


class Fcmaes:
    """One compiled `CRFMNES_C` a group.

    Parameters
    ----------
    sigma : initial step size; the library's default is 0.3
    population : even; the library's default is 32

    Raises
    ------
    SearchError  if the library reports a failure
    """

    def __init__(self, groups: int, dim: int, seed: int, sigma: float = 0.3, population: int = 32) -> None:
        from fcmaes.crfmnescpp import CRFMNES_C

        self.searches = [
            CRFMNES_C(
                dim,
                x0=np.zeros(dim),
                input_sigma=sigma,
                popsize=population,
                rg=np.random.default_rng(seed * groups + group),
            )
            for group in range(groups)
        ]
        self.asked = self._sample()

    def ask(self) -> np.ndarray:
        """The candidates that are due."""
        return self.asked

    def tell(self, losses: np.ndarray) -> None:
        """Update all groups and sample the next candidates."""
        for search, told in zip(self.searches, losses, strict=True):
            search.tell(told)
        self.asked = self._sample()

    def mean(self) -> np.ndarray:
        """Means of the candidates that are due, which are mirrored about the distributions' means."""
        return self.asked.mean(1)

    def describe(self) -> dict[str, object]:
        """The population that was used."""
        return {"population": int(self.searches[0].popsize)}

    def _sample(self) -> np.ndarray:
        asked = [search.ask() for search in self.searches]
        if any(points is None for points in asked):
            raise SearchError("fcmaes reported a failure of CR-FM-NES.")
        return np.asarray(asked)
