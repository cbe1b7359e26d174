"""Fitness from environments of Gymnasium: one of its own for each episode of each genome, stepped together."""

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
        genomes, episodes = len(population), self.episodes
        # Of environment k: the genome k // episodes in the episode k % episodes.
        environments = [self._environment(k) for k in range(genomes * episodes)]
        seen = np.zeros((genomes * episodes, self.inputs), np.float32)
        for k, environment in enumerate(environments):
            seen[k] = environment.reset(seed=(seed + 7919 * (k % episodes)) % 2**31)[0]
        total, running = np.zeros(genomes * episodes), list(range(genomes * episodes))
        while running:
            answers = population.answer(seen.reshape(genomes, episodes, self.inputs)).reshape(-1, self.outputs)
            actions, still = self._actions(answers), []
            for k in running:
                seen[k], reward, ended, cut, _ = environments[k].step(actions[k])
                total[k] += reward
                if not (ended or cut):
                    still.append(k)
            running = still
        return total.reshape(genomes, episodes).mean(1)

    def _actions(self, answers: np.ndarray) -> Any:
        if self.discrete:
            return answers.argmax(1).tolist()
        space = self._environments[0].action_space
        middle, half = (space.high + space.low) / 2, (space.high - space.low) / 2
        return (middle + half * answers.reshape(-1, *space.shape)).astype(space.dtype)

    def _environment(self, index: int) -> Any:
        while len(self._environments) <= index:
            try:
                made = self._gymnasium.make(self.name, **(self.options or {}))
            except self._gymnasium.error.Error as error:
                raise ConfigError(f"Gymnasium makes no environment {self.name!r}: {error}") from error
            self._environments.append(made)
        return self._environments[index]


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
