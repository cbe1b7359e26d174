"""Fitness functions of every form, brought to one: a population and a seed to a number a genome."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

import numba
import numpy as np
from numba.core.registry import CPUDispatcher

from olacore.errors import ConfigError, ShapeError
from olacore.fitness.layout import Layout
from olacore.fitness.population import Population
from olacore.jit.flags import kernel
from olacore.search.backends.processes import Pool, worker_deaths_told

Score = Callable[[Population, int], np.ndarray]
FORMS = ("population", "genome")
# Genomes that are sent to a process at once are an even share of so many.
SHARES = 4


@contextmanager
def scoring(fitness: Callable[..., Any], per: str, workers: int) -> Iterator[Score]:
    """Bring a fitness function to its one form.

    Parameters
    ----------
    fitness : compiled by Numba, it takes a genome (size,) float32 and a seed; otherwise see `per`. A function that
        has a parameter `seed` is given the seed of the generation, the same for all genomes
    per : "population", for a function of a `Population` that returns (pop,), or "genome", for one of a module, or of
        a plain vector, that returns a number
    workers : processes that share the genomes; 0 for this one. The function has to be one that they can import

    Raises
    ------
    ConfigError  if a setting is unknown or out of range
    """
    if per not in FORMS:
        raise ConfigError(f"a fitness is one of a population or of a genome; got {per!r}.")
    if not isinstance(workers, int) or workers < 0:
        raise ConfigError(f"workers must be 0 or more; got {workers!r}.")
    if isinstance(fitness, CPUDispatcher):
        if workers:
            raise ConfigError("a compiled fitness runs on threads; workers are for functions of Python.")
        yield partial(score_compiled, compiled_scores(fitness))
        return
    seeded = takes_seed(fitness)
    if not workers:
        yield partial(score_here, fitness, per, seeded)
        return
    with worker_deaths_told(), Pool(workers) as pool:
        yield partial(score_in_processes, pool, workers, fitness, per, seeded)


def score_here(fitness: Callable[..., Any], per: str, seeded: bool, population: Population, seed: int) -> np.ndarray:
    """Score genomes in this process."""
    more = {"seed": seed} if seeded else {}
    if per == "population":
        return checked(fitness(population, **more), len(population))
    return checked([fitness(subject(population, index), **more) for index in range(len(population))], len(population))


def score_in_processes(
    pool: Pool,
    workers: int,
    fitness: Callable[..., Any],
    per: str,
    seeded: bool,
    population: Population,
    seed: int,
) -> np.ndarray:
    """Score shares of a population in processes; the answers do not depend on how many there are."""
    count = min(len(population), SHARES * workers)
    parts = np.array_split(population.genomes, count)
    jobs = [
        pool.submit(score_share, fitness, per, seeded, population.layout, part, population.generation, seed)
        for part in parts
    ]
    return np.concatenate([job.result() for job in jobs])


def score_share(
    fitness: Callable[..., Any],
    per: str,
    seeded: bool,
    layout: Layout,
    genomes: np.ndarray,
    generation: int,
    seed: int,
) -> np.ndarray:
    """Score some genomes, in a process of its own."""
    return score_here(fitness, per, seeded, Population(layout, genomes, generation), seed)


def score_compiled(scores: Callable[..., None], population: Population, seed: int) -> np.ndarray:
    """Score genomes by a compiled function, on threads."""
    out = np.empty(len(population))
    scores(population.genomes, seed, out)
    return out


@cache
def compiled_scores(fitness: Any) -> Callable[..., None]:
    """A kernel that scores genomes (pop, size) by a compiled function of a genome and a seed."""
    if not numba.extending.is_jitted(fitness) or len(inspect.signature(fitness.py_func).parameters) != 2:
        raise ConfigError("a compiled fitness takes a genome (size,) float32 and a seed, and returns a number.")

    @kernel
    def scores(genomes, seed, out):
        for p in numba.prange(len(genomes)):
            out[p] = fitness(genomes[p], seed)

    return scores


def subject(population: Population, index: int) -> Any:
    """What a fitness of a genome is given: its module, or the plain vector."""
    return population.module(index) if population.layout.layers else population.genomes[index]


def takes_seed(fitness: Callable[..., Any]) -> bool:
    """Whether a function has a parameter `seed`."""
    try:
        return "seed" in inspect.signature(fitness).parameters
    except (TypeError, ValueError):
        return False


def checked(fitness: Any, count: int) -> np.ndarray:
    """The fitness (count,) float64 that a function returned.

    Raises
    ------
    ShapeError  if it is anything else
    """
    try:
        found = np.asarray(fitness, np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"a fitness must be a number a genome; got {type(fitness).__name__} ({error}).") from error
    if found.shape != (count,):
        raise ShapeError(f"a fitness must be one number for each of the {count} genomes; got {found.shape}.")
    return found
