"""Snake: the rules in plain Python, what a policy sees, a hand-written player, and fitness by compiled episodes.

`olacore.kernels.snake` plays the same game; the class here is its twin, to look at.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from olacore.errors import ConfigError, ShapeError
from olacore.fitness.layout import Layout
from olacore.fitness.population import Population
from olacore.kernels.snake import INPUTS, MOVES, PATIENCE, PER_MOVE, play_snake

# Up, right, down, left, as steps of (row, column).
DIRECTIONS = ((-1, 0), (0, 1), (1, 0), (0, -1))
# Of a player: what it sees, and an answer for each of its moves, of which the largest is made.
LAYERS = (INPUTS, MOVES)
LEAST_SIZE, MOST_SIZE = 4, 32
MASK = (1 << 64) - 1

Place = tuple[int, int]


class Snake:
    """One game: a snake on a board, which grows by what it eats and dies where it runs into something.

    It begins with three cells in the middle, heading right. Where the food lies depends on the seed, the number of the
    episode and what has been eaten. A snake starves when it has eaten nothing for twice as many steps as there are
    cells, and wins when it fills the board.

    Parameters
    ----------
    size : cells along each side, 4 to 32
    seed : 0 to 2^63 - 1
    episode : its number, from 0

    Raises
    ------
    ConfigError  if a number is out of range
    """

    def __init__(self, size: int = 10, seed: int = 0, episode: int = 0) -> None:
        check_size(size)
        if not (0 <= seed < 1 << 63 and 0 <= episode < 1 << 31):
            raise ConfigError(f"seed must be 0 to 2^63 - 1 and episode 0 to 2^31 - 1; got {seed} and {episode}.")
        self.size = size
        self._stream = mixed(seed ^ mixed(episode + 1))
        middle = size // 2
        self.body: deque[Place] = deque((middle, middle - 2 + k) for k in range(3))
        self.direction, self.eaten, self.steps, self.hungry = 1, 0, 0, 0
        self.alive, self.won = True, False
        self.food: Place | None = self._drop(mixed(self._stream))

    @property
    def over(self) -> bool:
        """Whether the game has ended."""
        return not self.alive or self.won

    def step(self, move: int) -> None:
        """Move: 0 turns left, 1 goes ahead, 2 turns right.

        Raises
        ------
        ConfigError  if there is no such move, or the game is over
        """
        if move not in range(MOVES) or self.over:
            raise ConfigError(f"a move is 0, 1 or 2 of a game that is not over; got {move!r}.")
        self.direction = (self.direction + move + 3) % 4
        to = self._beside(self.direction)
        self.steps += 1
        self.hungry += 1
        if self._blocked(to):
            self.alive = False
            return
        if to == self.food:
            self.eaten += 1
            self.hungry = 0
        else:
            self.body.popleft()
        self.body.append(to)
        if self.hungry == 0:
            self.won = len(self.body) == self.size**2
            self.food = None if self.won else self._drop(mixed(self._stream + self.eaten & MASK))
        elif self.hungry >= PATIENCE * self.size**2:
            self.alive = False

    def observe(self) -> np.ndarray:
        """What a policy sees, (13,) float32.

        For each move (left, ahead, right) four numbers: whether it kills (1 or 0); and where it does not, steps that it
        brings the food nearer (-1 or 1), the share of free cells that can be reached from there, and whether the
        snake's tail can (1 or 0). Then the share of the board that the snake fills.
        """
        seen = np.zeros(INPUTS, np.float32)
        for move in range(MOVES):
            to = self._beside((self.direction + move + 3) % 4)
            first = PER_MOVE * move
            if self._blocked(to):
                seen[first] = 1
                continue
            region = self._region(to)
            assert self.food is not None
            seen[first + 1] = distance(self.body[-1], self.food) - distance(to, self.food)
            seen[first + 2] = np.float32(len(region)) / np.float32(self.size**2 - len(self.body) + 1)
            seen[first + 3] = self.body[0] in region
        seen[-1] = np.float32(len(self.body)) / np.float32(self.size**2)
        return seen

    def _beside(self, direction: int) -> Place:
        (row, column), (down, right) = self.body[-1], DIRECTIONS[direction]
        return row + down, column + right

    def _inside(self, place: Place) -> bool:
        return 0 <= place[0] < self.size and 0 <= place[1] < self.size

    def _blocked(self, place: Place) -> bool:
        """Whether a place is outside or taken; the tail is not, as it will have moved."""
        return not self._inside(place) or (place in self.body and place != self.body[0])

    def _region(self, start: Place) -> set[Place]:
        """Free places that are connected with one, the tail's among them."""
        found, pending = {start}, [start]
        while pending:
            row, column = pending.pop()
            for down, right in DIRECTIONS:
                place = (row + down, column + right)
                if place not in found and not self._blocked(place):
                    found.add(place)
                    pending.append(place)
        return found

    def _drop(self, number: int) -> Place:
        free = [(y, x) for y in range(self.size) for x in range(self.size) if (y, x) not in self.body]
        return free[(number >> 32) * len(free) >> 32]


def mixed(number: int) -> int:
    """A 64-bit number that looks random, of another, as the kernel makes it."""
    z = number * 0x9E3779B97F4A7C15 & MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & MASK
    return z ^ (z >> 31)


def distance(one: Place, other: Place) -> int:
    """Steps between two places on an empty board."""
    return abs(one[0] - other[0]) + abs(one[1] - other[1])


def check_size(size: int) -> None:
    """Raise `ConfigError` unless a board can have this size."""
    if not isinstance(size, int | np.integer) or not LEAST_SIZE <= size <= MOST_SIZE:
        raise ConfigError(f"a board of Snake has {LEAST_SIZE} to {MOST_SIZE} cells along a side; got {size!r}.")


def play_episodes(
    genomes: np.ndarray, layers: tuple[int, ...] = LAYERS, *, size: int = 10, seed: int = 0, episodes: int = 16
) -> tuple[np.ndarray, np.ndarray]:
    """Play the same episodes with every genome, compiled, on all threads.

    Parameters
    ----------
    genomes : (pop, n) float32, or one (n,)
    layers : of the policies, 13 inputs first and 3 moves last
    size : cells along a side of the board, 4 to 32
    seed : 0 to 2^63 - 1
    episodes : of each genome, 1 or more

    Returns
    -------
    what was eaten and moves made, each (pop, episodes) int64

    Raises
    ------
    ShapeError  if the genomes do not have the numbers of such layers
    ConfigError  if a number is out of range, or the layers are those of no player
    """
    check_size(size)
    layout = Layout.of(layers, None)
    if (layers[0], layers[-1]) != LAYERS:
        raise ConfigError(f"a player of Snake has {INPUTS} inputs and {MOVES} outputs; got {layers}.")
    if episodes < 1 or not 0 <= seed < 1 << 63:
        raise ConfigError(f"episodes must be 1 or more and seed 0 to 2^63 - 1; got {episodes} and {seed}.")
    # A copy: Numba compiles once more for arrays that are not to be written to, as those of a population.
    given = np.array(genomes, np.float32, order="C", ndmin=2)
    if given.ndim != 2 or given.shape[1] != layout.size:
        raise ShapeError(f"genomes of layers {layers} have {layout.size} numbers; got {np.shape(genomes)}.")
    food = np.empty((len(given), episodes), np.int64)
    steps = np.empty_like(food)
    play_snake(given, np.array(layers, np.int64), size, size, seed, 0, food, steps)
    return food, steps


@dataclass(frozen=True)
class SnakeFitness:
    """Mean food of a policy over some episodes, the same ones for all genomes of a generation.

    Parameters
    ----------
    size : cells along a side of the board
    episodes : of each genome in a generation
    """

    # A move is the largest of a policy's answers.
    discrete: ClassVar[bool] = True

    size: int = 10
    episodes: int = 16

    def __call__(self, population: Population, seed: int) -> np.ndarray:
        """Fitness (pop,)."""
        layers, genomes = population.layout.layers, population.genomes
        food, _ = play_episodes(genomes, layers, size=self.size, seed=seed, episodes=self.episodes)
        return food.mean(1)


def greedy() -> np.ndarray:
    """The genome of a player written by hand: of the moves that do not kill it takes one from which it reaches its
    tail, then the one with the most free cells, then the one that brings the food nearer.
    """
    weights = np.zeros((MOVES, INPUTS), np.float32)
    for move in range(MOVES):
        weights[move, PER_MOVE * move : PER_MOVE * (move + 1)] = -5, 0.005, 0.05, 0.5
    return np.concatenate([weights.ravel(), np.zeros(MOVES, np.float32)])


# The genome (42,) float32 of the player written by hand.
GREEDY = greedy()
