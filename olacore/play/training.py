"""A player of Snake from nothing: evolved, measured on episodes that nobody saw, and shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from olacore.errors import ShapeError
from olacore.files import replace_file
from olacore.fitness.evolution import Evolution
from olacore.fitness.evolve import Evolved, Limits, evolve
from olacore.fitness.layout import Layout
from olacore.media.plots import drawing, style
from olacore.modules.module import Module, load
from olacore.play.pictures import film
from olacore.play.snake import GREEDY, LAYERS, Snake, SnakeFitness, play_episodes
from olacore.search.observers import Callback
from olacore.search.run_folder import RunFolder, next_free

# Of the episodes that measure a player; searches are given seeds below 2^31.
FRESH = 1 << 40
EPISODES = 1000
POPULATION = 64
FILM, CURVE = "snake.gif", "curve.png"


@dataclass(frozen=True)
class Played:
    """What players ate.

    Parameters
    ----------
    food : mean over the episodes
    error : standard error of the mean
    most : the best episode
    full : share of the episodes that ended with a full board
    """

    food: float
    error: float
    most: int
    full: float


def train_snake(
    out: Path | None = None,
    *,
    size: int = 10,
    hidden: Sequence[int] = (),
    seconds: float | None = 60.0,
    generations: int | None = None,
    strategy: str = "low-rank",
    seed: int = 0,
    resume: bool = False,
    force: bool = False,
    callbacks: Sequence[Callback] = (),
    should_stop: Callable[[], bool] = lambda: False,
) -> Evolved:
    """Evolve a player of Snake.

    Parameters
    ----------
    out : run folder; None for the next free one, such as runs/snake-0001
    size : cells along a side of the board, 4 to 32
    hidden : units of hidden maps, if any
    seconds, generations : when to end
    strategy, seed : see `olacore.fitness.Evolution`
    resume, force, callbacks, should_stop : see `olacore.fitness.evolve`
    """
    fitness = SnakeFitness(size)
    layers = (LAYERS[0], *hidden, LAYERS[1])
    # What is out of range is refused before a folder is made.
    Limits(generations, None, seconds, None)
    Evolution(layers, strategy=strategy, population=POPULATION, seed=seed)
    play_episodes(
        np.zeros((1, Layout.of(layers, None).size)), layers, size=size, episodes=1
    )  # compiles, before seconds count
    return evolve(
        fitness,
        layers,
        strategy=strategy,
        population=POPULATION,
        seed=seed,
        seconds=seconds,
        generations=generations,
        rescore=4,
        out=out or next_free("snake"),
        resume=resume,
        force=force,
        callbacks=callbacks,
        should_stop=should_stop,
    )


def measure(genome: np.ndarray, layers: tuple[int, ...], size: int, episodes: int = EPISODES) -> Played:
    """Play episodes that no search sees."""
    food = play_episodes(genome, layers, size=size, seed=FRESH, episodes=episodes)[0][0]
    error = float(food.std(ddof=1) / np.sqrt(episodes)) if episodes > 1 else float("nan")
    return Played(float(food.mean()), error, int(food.max()), float((food == size**2 - 3).mean()))


def measure_greedy(size: int, episodes: int = EPISODES) -> Played:
    """Let the player written by hand play the same episodes."""
    return measure(GREEDY, LAYERS, size, episodes)


def load_player(path: str | Path) -> tuple[Module, np.ndarray]:
    """Read the module of a player, and make a genome of it.

    Raises
    ------
    ShapeError  if it plays no Snake
    """
    module = load(path)
    if module.kind != "plain" or (module.layers[0], module.layers[-1]) != LAYERS or module.components is not None:
        raise ShapeError(
            f"{path} plays no Snake: that takes a plain module of {LAYERS[0]} inputs and {LAYERS[1]} moves."
        )
    parts = [part.ravel() for step in module.program().steps for part in (step.weights, step.biases)]
    return module, np.concatenate(parts).astype(np.float32)


def chooser(genome: np.ndarray, layers: tuple[int, ...]) -> Callable[[np.ndarray], int]:
    """A player for a game that is looked at: what it sees, to its move, in NumPy."""
    maps = Layout.of(layers, None).split(np.asarray(genome, np.float32)[None])

    def answer(weights: np.ndarray, biases: np.ndarray, read: np.ndarray) -> np.ndarray:
        # As `play_snake` adds: moves that are equally good stay so.
        return (weights[0].astype(np.float64) @ read.astype(np.float64) + biases[0]).astype(np.float32)

    def choose(seen: np.ndarray) -> int:
        read = seen
        for weights, biases in maps[:-1]:
            read = np.concatenate([read, np.tanh(answer(weights, biases, read))])
        return int(np.argmax(answer(*maps[-1], read)))

    return choose


def show_episode(genome: np.ndarray, layers: tuple[int, ...], size: int, path: Path, episode: int = 0) -> Snake:
    """Write a film of an episode, and return how it ended.

    Raises
    ------
    OutputError  if the file cannot be written
    """
    game = Snake(size, FRESH, episode)
    replace_file(path, film(game, chooser(genome, layers)))
    return game


def draw_curve(folder: Path, greedy: float, path: Path) -> bool:
    """Plot what was eaten over the seconds of a run, beside the player written by hand; whether there was anything to
    plot, which a run that ended before its first report lacks.

    Raises
    ------
    OutputError  if the file cannot be written
    """
    lines: list[dict[str, Any]] = RunFolder(folder, resume=True, force=False).read_log()
    if not lines:
        return False
    seconds = [line["seconds"] for line in lines]
    with drawing(path, 7, 4) as figure:
        axes = figure.add_subplot()
        style(axes)
        axes.plot(seconds, [line["generation_best"] for line in lines], color="0.75", label="best of a generation")
        axes.plot(seconds, [line["fitness"] for line in lines], color="C0", label="the record, on new episodes")
        axes.axhline(greedy, color="C1", linestyle="--", label="written by hand")
        axes.set(xlabel="seconds", ylabel="food eaten in an episode", ylim=(0, None), xlim=(0, None))
        axes.legend(frameon=False, loc="lower right")
    return True
