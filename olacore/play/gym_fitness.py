"""Fitness from environments of Gymnasium: one of its own for each genome, stepped together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from olacore.errors import ConfigError
from olacore.fitness.population import Population


@dataclass
class GymFitness:
    """Mean return of a policy over some episodes, which begin alike for all genomes of a generation.

    A policy of a discrete action takes that of its largest answer; answers in (-1, 1) of a box are stretched to its
    bounds.

    Parameters
    ----------
    name : of the environment, such as "CartPole-v1"
    episodes : of each genome in a generation
    options : of the environment

    Raises
    ------
    ConfigError  if Gymnasium is missing, or the environment is unknown, or its observations are no vector of numbers
        or its actions neither discrete nor a bounded box
    """

    name: str
    episodes: int = 1
    options: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self._gymnasium = load_gymnasium()
        self._environments: list[Any] = []
        first = self._environment(0)
        seen, done = first.observation_space, first.action_space
        self.discrete = hasattr(done, "n")
        if self.episodes < 1 or len(seen.shape or ()) != 1 or not (self.discrete or bounded(done)):
            raise ConfigError(
                f"{self.name} needs one or more episodes, observations that are a vector, and actions that are "
                f"discrete or a bounded box; got {self.episodes} of {seen} and {done}."
            )
        self.inputs = int(seen.shape[0])
        self.outputs = int(done.n) if self.discrete else int(np.prod(done.shape))

    def layers(self, *hidden: int) -> tuple[int, ...]:
        """Layers of policies for it, with hidden maps of so many units."""
        return (self.inputs, *hidden, self.outputs)

    def __call__(self, population: Population, seed: int) -> np.ndarray:
        """Fitness (pop,)."""
        returns = [self._play(population, (seed + 7919 * episode) % 2**31) for episode in range(self.episodes)]
        return np.mean(returns, 0)

    def _play(self, population: Population, seed: int) -> np.ndarray:
        count = len(population)
        seen = np.zeros((count, self.inputs), np.float32)
        for genome in range(count):
            seen[genome] = self._environment(genome).reset(seed=seed)[0]
        total, running = np.zeros(count), list(range(count))
        while running:
            answers = population.answer(seen)
            for genome in list(running):
                environment = self._environments[genome]
                seen[genome], reward, ended, cut, _ = environment.step(self._action(answers[genome]))
                total[genome] += reward
                if ended or cut:
                    running.remove(genome)
        return total

    def _action(self, answer: np.ndarray) -> Any:
        if self.discrete:
            return int(np.argmax(answer))
        space = self._environments[0].action_space
        middle, half = (space.high + space.low) / 2, (space.high - space.low) / 2
        return (middle + half * answer.reshape(space.shape)).astype(space.dtype)

    def _environment(self, genome: int) -> Any:
        while len(self._environments) <= genome:
            try:
                made = self._gymnasium.make(self.name, **(self.options or {}))
            except self._gymnasium.error.Error as error:
                raise ConfigError(f"Gymnasium makes no environment {self.name!r}: {error}") from error
            self._environments.append(made)
        return self._environments[genome]


def bounded(space: Any) -> bool:
    """Whether a space is a box with finite bounds."""
    low, high = getattr(space, "low", None), getattr(space, "high", None)
    return low is not None and high is not None and bool(np.isfinite(low).all() and np.isfinite(high).all())


def load_gymnasium() -> Any:
    """Gymnasium, with our environments in it.

    Raises
    ------
    ConfigError  if it is not installed
    """
    try:
        import gymnasium
    except ImportError as error:
        raise ConfigError("environments need Gymnasium: pip install 'olacore[rl]'.") from error
    from olacore.play.gym_snake import register

    register()
    return gymnasium
