"""Searches that several tests make: of strategies alone, of stacks, and whole runs that are interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from olacore.blocks import Block, every_row, rows_of
from olacore.kernels.layout import empty_packed, pack_rows
from olacore.modules.module import load
from olacore.search.checkpoint import load_checkpoint
from olacore.search.config import TrainConfig
from olacore.search.observers import Event, Reported
from olacore.search.train import Result, train
from olacore.strategies import Problem, Stack
from olacore.strategies.common.readout import LINEAR
from olacore.views.plain import Plain
from olacore.views.scaling import Scaling
from tests.support.makers import JIT, module_bytes, plain_pairs, story

GENERATIONS = 40 if JIT else 12
WAVES_GENERATIONS = 60 if JIT else 18
SMALL = Stack(units=16, samples=256)


def blocks_of(count: int, rows: int = 300, noise: float = 0.05) -> tuple[Problem, list[Block]]:
    """A problem of 5 inputs and 3 outputs, and blocks of it."""
    x, y = plain_pairs(count * rows, noise=noise)
    view = Plain(5, 3)
    scaling = Scaling.fit(x, y, None)
    arrays = {"inputs": x.astype(np.float32), "targets": y.astype(np.float32)}
    whole = every_row(arrays, 1)
    blocks = []
    for part in np.array_split(np.arange(count * rows, dtype=np.int32), count):
        raw = type(whole)(arrays, whole.indices, part, np.zeros_like(part), 0)
        blocks.append(view.gather(raw, scaling))
    return Problem(5, 3, 6, 0, rows_of(blocks[0])[0]), blocks


def search(strategy, problem, blocks, generations=GENERATIONS):
    """The state after some generations, and the report of each."""
    state = strategy.start(problem)
    reports = [strategy.advance(state, blocks[g % len(blocks)], problem.seed, g) for g in range(generations)]
    return state, reports


def losses_of(weights: np.ndarray, biases: np.ndarray, block: Block) -> np.ndarray:
    """Mean squared error of every row, in float64."""
    x, y = rows_of(block)
    answer = np.tanh(np.einsum("...oi,ni->...on", weights.astype(np.float64), x) + biases[..., None])
    return ((answer - y.T) ** 2).mean(-1)


def waves(seed: int, rows: int = 512 if JIT else 256) -> Block:
    """Rows of 3 inputs and 2 outputs that no affine map explains."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 3), np.float32)
    mix = np.random.default_rng(99).standard_normal((3, 2))
    targets = np.stack([np.sin(1.5 * x @ mix[:, 0]), np.cos(1.5 * x @ mix[:, 1])]) / (1.2 * LINEAR)
    packed = empty_packed(rows, 3)
    pack_rows(x, packed)
    return Block(packed, np.ascontiguousarray(targets, np.float32))


def waves_problem(seed: int = 0, generations: int = WAVES_GENERATIONS) -> Problem:
    return Problem(3, 2, 4, seed, rows_of(waves(0))[0], generations)


def search_waves(strategy: Stack, generations: int = WAVES_GENERATIONS, seed: int = 0, state=None, first: int = 0):
    """The state after so many generations, with growth as the training loop lets it happen."""
    state = strategy.start(waves_problem(seed)) if state is None else state
    for generation in range(first, generations):
        strategy.advance(state, waves(generation % 4), seed, generation)
        if units := strategy.growth(state, generation + 1):
            strategy.grow(state, units, seed)
    return state


def copy_of(state):
    return {name: array.copy() for name, array in state.items()}


def by_line(take: Callable[[dict[str, Any]], object]) -> Callable[[Event], None]:
    """A callback that hands every line of the log on."""

    def watch(event: Event) -> None:
        if isinstance(event, Reported):
            take(event.line)

    return watch


def stop_after(generations: int):
    """A `should_stop` that says yes when it is asked for the last of so many times."""
    asked = iter([False] * (generations - 1))
    return lambda: next(asked, True)


def assert_same_run(one: Path, other: Path) -> None:
    assert module_bytes(one) == module_bytes(other)
    assert story(one) == story(other)
    arrays, others = (load_checkpoint(folder / "checkpoint.safetensors")[0] for folder in (one, other))
    for name, array in arrays.items():
        np.testing.assert_array_equal(others[name], array)


def interrupted(config: TrainConfig, stops: tuple[int, ...]) -> Result:
    """Run in pieces of so many generations, and then to the end."""
    for number, generations in enumerate(stops):
        result = train(replace(config, resume=number > 0), should_stop=stop_after(generations))
        assert (result.stopped, result.figures) == ("interrupted", {})
        load(result.folder / "module.safetensors")
    return train(replace(config, resume=True))


def answers(state, block):
    """W x + V tanh(U x + c) + b in float64; of a state without units yet, W x + b."""
    x = rows_of(block)[0].astype(np.float64)
    readout, biases = SMALL.candidate(state)
    for units, shifts in SMALL.hidden(state):
        x = np.hstack([x, np.tanh(x @ units.T + shifts)])
    return (x @ readout.T.astype(np.float64) + biases).T
