"""Nevergrad's NGOpt, which picks an algorithm by dimension, budget and number of workers.

`NGOpt` is what its documentation (facebookresearch.github.io/nevergrad) recommends where nothing else is known. What
it picks is in the results.
"""

from __future__ import annotations

import warnings

import numpy as np


class Nevergrad:
    """One optimizer a group.

    Parameters
    ----------
    population : candidates that are scored together, nevergrad's `num_workers`
    sigma : standard deviation of a mutation of the parametrization
    budget : evaluations that it is told to expect
    optimizer : its name in nevergrad's registry
    """

    def __init__(
        self,
        groups: int,
        dim: int,
        seed: int,
        population: int = 40,
        sigma: float = 0.1,
        budget: int = 100_000,
        optimizer: str = "NGOpt",
    ) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import nevergrad

            self.population = population
            self.searches = []
            for group in range(groups):
                array = nevergrad.p.Array(init=np.zeros(dim)).set_mutation(sigma=sigma)
                array.random_state.seed(seed * groups + group)
                make = nevergrad.optimizers.registry[optimizer]
                self.searches.append(make(array, budget=budget, num_workers=population))
        first = self.searches[0]
        self.picked = getattr(first, "optim", first).name
        self.asked: list[list[object]] = []

    def ask(self) -> np.ndarray:
        """Sample all groups."""
        self.asked = [[search.ask() for _ in range(self.population)] for search in self.searches]
        return np.asarray([[point.value for point in points] for points in self.asked])  # type: ignore[attr-defined]

    def tell(self, losses: np.ndarray) -> None:
        """Update all groups."""
        for search, points, told in zip(self.searches, self.asked, losses, strict=True):
            for point, loss in zip(points, told.tolist(), strict=True):
                search.tell(point, loss)

    def mean(self) -> np.ndarray:
        """The recommendations."""
        return np.asarray([search.provide_recommendation().value for search in self.searches])

    def describe(self) -> dict[str, object]:
        """What NGOpt picked."""
        return {"picked": self.picked}
