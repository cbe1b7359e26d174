"""Strategies of evosax (Lange 2022, arXiv:2212.04180): compiled by XLA, all groups in one `vmap`.

Where settings were tuned, the ranges are those that the library's author searched for networks in NeuroEvoBench
(Lange, Tang and Tian 2023, arXiv:2311.02394; github.com/neuroevobench): rates of 0.001 to 0.04 and spreads of 0.01 to
0.1, and for one affine layer a search that starts at zero with a spread of 0.025, 128 candidates and blocks of 1,024.
Beside SNES, PGPE and OpenAI-ES run the two of its strategies for many variables that did best here, Sep-CMA-ES and
CR-FM-NES.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np


class Evosax:
    """One strategy, by its name in evosax.

    Parameters
    ----------
    algorithm : such as "SNES"
    sigma : initial spread
    population : candidates a generation
    rate : learning rate of the strategies that take an optimizer: Adam for `Open_ES`, and for PGPE ClipUp, whose
        largest step is twice the rate, as its authors advise (Toklu et al. 2020, arXiv:2008.02387)
    """

    def __init__(
        self,
        groups: int,
        dim: int,
        seed: int,
        algorithm: str,
        sigma: float = 0.1,
        population: int = 64,
        rate: float = 0.0,
    ) -> None:
        import jax

        self.algorithm = algorithm
        # Only where the spread is a schedule does it decide what is compiled.
        fixed = sigma if algorithm == "Open_ES" else 0.0
        self.compiled = compile_strategy(algorithm, groups, dim, population, fixed, rate)
        self.params = self.compiled.params
        if hasattr(self.params, "std_init"):
            self.params = self.params.replace(std_init=np.full(np.shape(self.params.std_init), sigma, np.float32))
        self.key, key = jax.random.split(jax.random.key(seed))
        self.state = self.compiled.start(key, self.params)
        self.asked: Any = None

    def ask(self) -> np.ndarray:
        """Sample all groups."""
        self.key, self.asked, self.state = self.compiled.ask(self.key, self.state, self.params)
        return np.asarray(self.asked)

    def tell(self, losses: np.ndarray) -> None:
        """Update all groups."""
        self.key, self.state = self.compiled.tell(
            self.key, self.asked, losses.astype(np.float32), self.state, self.params
        )

    def mean(self) -> np.ndarray:
        """Means of the distributions."""
        return np.asarray(self.state.mean)

    def describe(self) -> dict[str, object]:
        """The algorithm's name in the library."""
        return {"algorithm": self.algorithm}


class Compiled(NamedTuple):
    """Parameters, and start, ask and tell of all groups, compiled."""

    params: Any
    start: Any
    ask: Any
    tell: Any


@functools.cache
def compile_strategy(algorithm: str, groups: int, dim: int, population: int, sigma: float, rate: float) -> Compiled:
    """Compile a strategy once for all runs with the same settings."""
    import evosax.algorithms
    import jax
    import jax.numpy as jnp

    strategy = getattr(evosax.algorithms, algorithm)(population, jnp.zeros(dim), **options(algorithm, sigma, rate))

    def start(key: Any, params: Any) -> Any:
        return jax.vmap(lambda k: strategy.init(k, jnp.zeros(dim), params))(jax.random.split(key, groups))

    def ask(key: Any, state: Any, params: Any) -> Any:
        key, here = jax.random.split(key)
        asked, state = jax.vmap(lambda k, s: strategy.ask(k, s, params))(jax.random.split(here, groups), state)
        return key, asked, state

    def tell(key: Any, asked: Any, losses: Any, state: Any, params: Any) -> Any:
        key, here = jax.random.split(key)
        keys = jax.random.split(here, groups)
        return key, jax.vmap(lambda k, a, f, s: strategy.tell(k, a, f, s, params)[0])(keys, asked, losses, state)

    return Compiled(strategy.default_params, jax.jit(start), jax.jit(ask), jax.jit(tell))


def options(algorithm: str, sigma: float, rate: float) -> dict[str, Any]:
    """What the strategy's constructor takes."""
    import optax
    from evosax.core.optimizer import clipup

    if algorithm == "Open_ES":
        return {"optimizer": optax.adam(rate), "std_schedule": optax.constant_schedule(sigma)}
    if algorithm == "PGPE":
        return {"optimizer": clipup(learning_rate=rate, max_velocity=2 * rate)}
    return {"optimizer": optax.sgd(rate)} if rate else {}
