"""What is searched: functions, and environments in which a policy collects a return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import click
import numpy as np

from bench.fitness.functions import SIZE, Losses, functions
from olacore.fitness.layout import Layout
from olacore.fitness.population import Population
from olacore.play import GymFitness, SnakeFitness, play_episodes
from olacore.play.snake import LAYERS

# Loss that a function is searched to at most: less is past what float32 resolves so far from zero, which our genomes
# and those of evosax and EvoTorch are.
PRECISION = 1e-6
# New episodes that the centre of a search is measured on, and their seeds, which no search is given.
EPISODES, FRESH = 20, 2**30


@dataclass(frozen=True)
class Task:
    """Something to search for.

    Parameters
    ----------
    name : in the tables
    layout : of a point's numbers
    sigma : spread of the first points
    losses : of points (pop, size) in a generation, (pop,)
    score : of a point (size,), less is better; None takes the least loss that was told
    target : score at which it is solved
    """

    name: str
    layout: Layout
    sigma: float
    losses: Callable[[np.ndarray, int], np.ndarray]
    score: Callable[[np.ndarray], float] | None
    target: float


def function_tasks(seed: int) -> list[Task]:
    """The ten functions, with an optimum and rotations of the seed."""
    return [function_task(name, losses) for name, losses in functions(seed).items()]


def function_task(name: str, losses: Losses) -> Task:
    """A function that is the same in every generation."""

    def told(points: np.ndarray, generation: int) -> np.ndarray:
        return losses(points)

    return Task(name, Layout.of(None, SIZE), 2.0, told, None, PRECISION)


def policies(layers: tuple[int, ...], points: np.ndarray) -> Population:
    """A population of policies."""
    return Population(Layout.of(layers, None), np.ascontiguousarray(points, np.float32), 0)


def gym_task(name: str, target: float) -> Task:
    """An environment of Gymnasium, by an affine policy."""
    fitness = GymFitness(name)
    layers = fitness.layers()
    fresh = GymFitness(name, episodes=EPISODES)

    def losses(points: np.ndarray, generation: int) -> np.ndarray:
        return -fitness(policies(layers, points), generation)

    def score(point: np.ndarray) -> float:
        return -float(fresh(policies(layers, point[None]), FRESH)[0])

    return Task(name, Layout.of(layers, None), 0.5, losses, score, -target)


def snake_task(target: float) -> Task:
    """Snake on 10 x 10 cells, by an affine policy."""
    fitness = SnakeFitness()

    def losses(points: np.ndarray, generation: int) -> np.ndarray:
        return -fitness(policies(LAYERS, points), generation)

    def score(point: np.ndarray) -> float:
        return -float(play_episodes(point, seed=FRESH, episodes=EPISODES)[0].mean())

    return Task("Snake 10 x 10", Layout.of(LAYERS, None), 0.5, losses, score, -target)


def environment_tasks() -> list[Task]:
    """The environments that are there; those that are not are named on standard error."""
    from gymnasium.error import DependencyNotInstalled

    from olacore.errors import ConfigError

    found = []
    for name, target in (("CartPole-v1", 475.0), ("Acrobot-v1", -100.0), ("LunarLander-v3", 200.0)):
        try:
            found.append(gym_task(name, target))
        except (ConfigError, DependencyNotInstalled) as error:
            click.echo(f"{name} is left out: {error}", err=True)
    return [*found, snake_task(80.0)]
