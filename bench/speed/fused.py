"""The fused loss at the shapes that modules have, beside sgemm and torch; incremental scoring; tanh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.common.timing import SETTLE, Action, Stopwatch, paired_ratio
from bench.speed.cases import Block, Size
from bench.speed.ceilings import sgemm
from bench.speed.report import Row, rate_row
from olacore.embed.checked import threads as running_on
from olacore.kernels.forward import multiply_packed
from olacore.kernels.incremental import score_directions
from olacore.kernels.loss import score_population
from olacore.kernels.tanh import apply_tanh

PART = "fused loss"
SHAPES = (
    Size(40, 4, 512, 1024),
    Size(40, 4, 768, 4096),
    Size(40, 192, 36, 8192),
    Size(40, 192, 144, 4096),
    Size(40, 192, 100, 8192),
    Size(1, 192, 36, 65536),
    Size(1, 4, 768, 65536),
)
CHILD = Size(40, 192, 144, 8192)
TANH_ELEMENTS = 1_000_000


def measure_fused(watch: Stopwatch, threads: int, size: Size, torch: bool) -> Iterator[Row]:
    """Score a population beside sgemm and, if `torch` is there, its best chain; then on 1, 2 and all threads."""
    block = Block.random(size)
    losses = np.empty_like(block.biases)

    def score() -> None:
        score_population(block.weights, block.biases, block.packed, block.targets, losses)

    chain = best_chain(watch, block, size) if torch else {}
    product = sgemm(size.rows, size.inputs, size.n)
    timings = watch.compare({"score_population": score, "sgemm": product, **chain}, SETTLE)
    ours = timings["score_population"]
    shares = {"of sgemm": paired_ratio(timings["sgemm"], ours)}
    for name in chain:
        shares["over torch"] = paired_ratio(timings[name], ours)
    shares["M genome-samples/s"] = size.pop * size.n / ours.median / 1e6
    for name, timing in timings.items():
        own = shares if timing is ours else None
        yield rate_row(PART, name, str(size), threads, timing, size.flops, "GFLOP/s", own)
    yield from measure_scaling(watch, threads, size, score)


def best_chain(watch: Stopwatch, block: Block, size: Size) -> dict[str, Action]:
    """Torch's chain that is fastest at this shape, by its name."""
    from teachers.comparison.torch_kernels import scoring_chains

    chains = scoring_chains(block.weights, block.biases, plain_rows(block.packed, size.n), block.targets)
    timings = replace(watch, repeats=1).compare(chains, SETTLE)
    best = min(chains, key=lambda name: timings[name].minimum)
    return {best: chains[best]}


def measure_scaling(watch: Stopwatch, threads: int, size: Size, score: Action) -> Iterator[Row]:
    """One row for each number of threads: 1, 2 and all."""
    counts = sorted({1, min(2, threads), threads})
    timings = watch.compare({str(count): on_threads(score, count) for count in counts})
    for count in counts:
        timing = timings[str(count)]
        shares = {"over 1 thread": paired_ratio(timings["1"], timing)} if count > 1 else None
        yield rate_row("scaling", "score_population", str(size), count, timing, size.flops, "GFLOP/s", shares)


def measure_child(watch: Stopwatch, threads: int, size: Size) -> Row:
    """Score mirrored rank-1 children of every genome from cached pre-activations, beside scoring from scratch.

    The response to the direction is computed anew each time; a row-sample is one row of one child on one sample.
    """
    block = Block.random(size)
    losses = np.empty_like(block.biases)
    pre = np.empty((size.rows, size.n), np.float32)
    multiply_packed(block.weights.reshape(size.rows, -1), block.biases.reshape(-1), block.packed, pre)
    direction = np.random.default_rng(1).standard_normal((1, size.inputs), np.float32)
    response, none = np.empty((1, size.n), np.float32), np.zeros(1, np.float32)
    sigma = np.full(size.rows, 0.01, np.float32)
    children = np.empty((size.rows, 1, 2), np.float32)

    def incremental() -> None:
        multiply_packed(direction, none, block.packed, response)
        score_directions(pre, block.targets, response, sigma, children)

    def scratch() -> None:
        score_population(block.weights, block.biases, block.packed, block.targets, losses)

    timings = watch.compare({"incremental": incremental, "scratch": scratch})
    scored = 2.0 * size.rows * size.n
    # A call from scratch scores one child, an incremental one two.
    shares = {"over scratch": 2 * paired_ratio(timings["scratch"], timings["incremental"])}
    unit = "M row-samples/s"
    return rate_row("incremental", "rank-1 child", str(size), threads, timings["incremental"], scored, unit, shares)


def measure_tanh(watch: Stopwatch, threads: int, elements: int = TANH_ELEMENTS) -> Iterator[Row]:
    """tanh of many numbers on one thread and on all, beside NumPy's, which uses one."""
    x = np.random.default_rng(0).standard_normal(elements, np.float32)
    out = np.empty_like(x)
    ours, numpy = (lambda: apply_tanh(x, out)), (lambda: np.tanh(x, out=out))
    for count in sorted({1, threads}):
        timings = watch.compare({"olacore": on_threads(ours, count), "numpy": numpy})
        timing = timings["olacore"]
        shares = {"over NumPy": paired_ratio(timings["numpy"], timing)}
        yield rate_row("tanh", "apply_tanh", f"{elements}", count, timing, elements, "M elements/s", shares)


def on_threads(action: Action, count: int) -> Action:
    """The action on so many of Numba's threads."""

    def run() -> None:
        with running_on(count):
            action()

    return run


def plain_rows(packed: np.ndarray, samples: int) -> np.ndarray:
    """Packed inputs as (n, in)."""
    rows = packed.swapaxes(1, 2).reshape(-1, packed.shape[1])
    return np.ascontiguousarray(rows[:samples])
