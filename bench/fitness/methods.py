"""Searches that are compared, ours and other people's: each is asked for points and told their losses."""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from olacore.fitness import Evolution, Layout


class Method(Protocol):
    """A search for points (size,)."""

    def ask(self) -> np.ndarray:
        """Points (pop, size)."""

    def tell(self, losses: np.ndarray) -> None:
        """What they lose, (pop,)."""

    def centre(self) -> np.ndarray:
        """The point that stands for the search, (size,)."""


class Ours:
    """A strategy of `olacore.fitness`; alone of all it is told which numbers of a policy are biases, and that only
    which of its answers is largest counts, as it does in all of these environments.
    """

    def __init__(self, strategy: str, layout: Layout, sigma: float, seed: int, **options: Any) -> None:
        layers, size = (layout.layers, None) if layout.layers else (None, layout.size)
        self.search = Evolution(
            layers, size=size, strategy=strategy, sigma=sigma, seed=seed, discrete=bool(layers), **options
        )

    def ask(self) -> np.ndarray:
        """Points."""
        return self.search.ask().genomes.astype(np.float64)

    def tell(self, losses: np.ndarray) -> None:
        """Losses."""
        self.search.tell(losses=losses)

    def centre(self) -> np.ndarray:
        """The search's own genome."""
        return self.search.centre.astype(np.float64)


class Pycma:
    """CMA-ES of pycma (Hansen, Akimoto and Baudis, doi:10.5281/zenodo.2559634), full or diagonal."""

    def __init__(self, size: int, sigma: float, seed: int, diagonal: bool = False) -> None:
        import cma

        quiet = {"verbose": -9, "verb_log": 0, "verb_disp": 0, "seed": 1 + seed, "CMA_diagonal": diagonal}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.search = cma.CMAEvolutionStrategy(np.zeros(size), sigma, quiet)
        self.asked: list[np.ndarray] = []

    def ask(self) -> np.ndarray:
        """Points."""
        self.asked = self.search.ask()
        return np.asarray(self.asked)

    def tell(self, losses: np.ndarray) -> None:
        """Losses."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.search.tell(self.asked, losses.tolist())

    def centre(self) -> np.ndarray:
        """The mean."""
        return np.asarray(self.search.mean)


class Cmaes:
    """CMA-ES of the library cmaes (Nomura and Shibata, arXiv:2402.01373), full or separable."""

    def __init__(self, size: int, sigma: float, seed: int, separable: bool = False) -> None:
        import cmaes

        kind = cmaes.SepCMA if separable else cmaes.CMA
        self.search = kind(np.zeros(size), sigma, seed=seed)
        self.asked: list[np.ndarray] = []

    def ask(self) -> np.ndarray:
        """Points."""
        self.asked = [self.search.ask() for _ in range(self.search.population_size)]
        return np.asarray(self.asked)

    def tell(self, losses: np.ndarray) -> None:
        """Losses."""
        self.search.tell(list(zip(self.asked, losses.tolist(), strict=True)))

    def centre(self) -> np.ndarray:
        """The mean."""
        return np.asarray(self.search.mean)


class Evosax:
    """A strategy of evosax (Lange, arXiv:2212.04180), compiled by XLA."""

    def __init__(self, name: str, size: int, sigma: float, seed: int) -> None:
        import jax
        import jax.numpy as jnp

        self.compiled = compiled(name, size)
        self.params = self.compiled.params.replace(std_init=sigma)
        self.key, key = jax.random.split(jax.random.key(seed))
        self.state = self.compiled.start(key, jnp.zeros(size), self.params)
        self.asked: Any = None

    def ask(self) -> np.ndarray:
        """Points."""
        self.key, key = self.compiled.split(self.key)
        self.asked, self.state = self.compiled.ask(key, self.state, self.params)
        return np.asarray(self.asked, np.float64)

    def tell(self, losses: np.ndarray) -> None:
        """Losses."""
        self.key, key = self.compiled.split(self.key)
        self.state, _ = self.compiled.tell(key, self.asked, losses.astype(np.float32), self.state, self.params)

    def centre(self) -> np.ndarray:
        """The mean."""
        return np.asarray(self.state.mean, np.float64)


class Evotorch:
    """SNES or XNES of EvoTorch (Toklu and others, arXiv:2302.12600), with its own population and rates.

    Its step learns from the losses of the step before, and then samples, so that losses can be set between two steps.
    The mean that it tells is the one it last sampled around: one generation old.
    """

    def __init__(self, name: str, size: int, sigma: float, seed: int) -> None:
        import evotorch
        import evotorch.algorithms
        import torch

        torch.set_num_threads(1)
        logging.getLogger("evotorch").setLevel(logging.ERROR)
        options = {"solution_length": size, "initial_bounds": (0, 0), "vectorized": True, "seed": 1 + seed}
        problem = evotorch.Problem("min", lambda points: torch.zeros(len(points)), **options)
        self.search = getattr(evotorch.algorithms, name)(problem, stdev_init=sigma, center_init=torch.zeros(size))
        self.as_tensor = torch.as_tensor

    def ask(self) -> np.ndarray:
        """Points."""
        self.search.step()
        return self.search.population.values.numpy().astype(np.float64)

    def tell(self, losses: np.ndarray) -> None:
        """Losses."""
        self.search.population.set_evals(self.as_tensor(losses.astype(np.float32)))

    def centre(self) -> np.ndarray:
        """The mean."""
        return self.search.status["center"].numpy().astype(np.float64)


class Compiled(NamedTuple):
    """Parameters of a strategy of evosax, and its start, ask and tell, compiled."""

    params: Any
    start: Any
    ask: Any
    tell: Any
    split: Any


@functools.cache
def compiled(name: str, size: int) -> Compiled:
    """Compile a strategy once for all searches of a size."""
    import evosax.algorithms
    import jax
    import jax.numpy as jnp

    population = 4 + int(3 * np.log(size))
    search = getattr(evosax.algorithms, name)(population + population % 2, jnp.zeros(size))
    start, ask, tell = (jax.jit(part) for part in (search.init, search.ask, search.tell))
    return Compiled(search.default_params, start, ask, tell, jax.jit(jax.random.split))


# From the layout of points, the spread of the first ones and a seed.
Make = Callable[[Layout, float, int], Method]


def peer(kind: Callable[..., Method], *given: Any, **options: Any) -> Make:
    """A search of another library, which knows of a policy how many numbers it has."""
    return lambda layout, sigma, seed: kind(*given, layout.size, sigma, seed, **options)


OURS: dict[str, Make] = {
    "low-rank": lambda *given: Ours("low-rank", *given),
    "full": lambda *given: Ours("full", *given),
    "separable": lambda *given: Ours("separable", *given),
    "classic": lambda *given: Ours("classic", *given),
}
PEERS: dict[str, Make] = {
    "pycma": peer(Pycma),
    "pycma, diagonal": peer(Pycma, diagonal=True),
    "cmaes": peer(Cmaes),
    "cmaes, separable": peer(Cmaes, separable=True),
    "evosax CMA-ES": peer(Evosax, "CMA_ES"),
    "evosax Sep-CMA-ES": peer(Evosax, "Sep_CMA_ES"),
    "evosax LM-MA-ES": peer(Evosax, "LM_MA_ES"),
    "evosax CR-FM-NES": peer(Evosax, "CR_FM_NES"),
    "EvoTorch SNES": peer(Evotorch, "SNES"),
    "EvoTorch XNES": peer(Evotorch, "XNES"),
}
