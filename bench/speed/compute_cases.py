"""Kernels that are bound by arithmetic: products, tanh, losses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.speed.cases import Block, Case, Size
from olacore.kernels.codec import COLOURS, SIDE, decode_windows, encode_patches
from olacore.kernels.cosine import score_population_cosine, sum_outputs
from olacore.kernels.forward import forward_population, multiply_packed
from olacore.kernels.genomes import answer_each, shape_samples
from olacore.kernels.incremental import score_directions
from olacore.kernels.layers import append_few, append_layer
from olacore.kernels.loss import score_population, score_population_huber, score_population_mae
from olacore.kernels.products import multiply_rows
from olacore.kernels.refine import refine_blocks
from olacore.kernels.row_steps import step_rows, step_rows_cosine, step_rows_huber, step_rows_mae
from olacore.kernels.snake import INPUTS, MOVES, play_snake
from olacore.kernels.tanh import apply_tanh
from olacore.kernels.tile import LANES
from olacore.kernels.unit_trials import change_units, score_units

DIRECTIONS = 8
# Of the hidden map of encoders and decoders.
UNITS = 128
# Of a refiner of blocks of 2 x 2 pixels, which sees 8 x 8.
PAIR, BORDER, FEW_UNITS = 2, 3, 64


def product_cases(size: Size) -> Iterator[Case]:
    """Kernels that contain a matrix product; sgemm of the same shape is their ceiling."""
    block = Block.random(size)
    losses = np.empty_like(block.biases)

    for kernel in (score_population, score_population_mae, score_population_huber):
        score = partial(kernel, block.weights, block.biases, block.packed, block.targets, losses)
        yield Case(kernel.__name__, str(size), score, size.flops, "GFLOP/s")

    shares = np.ones(size.out, np.float32)
    score = partial(score_population_cosine, block.weights, block.biases, block.packed, block.targets, shares, losses)
    yield Case("score_population_cosine", str(size), score, size.flops, "GFLOP/s")

    stacked = np.zeros((block.packed.shape[0], size.inputs + size.out, block.packed.shape[2]), np.float32)
    stacked[:, : size.inputs] = block.packed
    append = partial(append_layer, block.weights[0], block.biases[0], size.n, stacked)
    yield Case("append_layer", f"1 of {size}", append, size.flops / size.pop, "GFLOP/s")

    some = np.zeros((size.inputs + size.out, LANES), np.float32)
    work = 2.0 * size.out * size.inputs * LANES
    append = partial(append_few, block.weights[0], block.biases[0], some)
    yield Case("append_few", f"{size.out}x{size.inputs}, {LANES}", append, work, "GFLOP/s")

    out = np.empty((size.pop, size.out, size.n), np.float32)

    def forward() -> None:
        forward_population(block.weights, block.biases, block.packed, out)

    yield Case("forward_population", str(size), forward, size.flops, "GFLOP/s")

    weights, biases = block.weights.reshape(size.rows, -1), block.biases.reshape(-1)

    def multiply() -> None:
        multiply_packed(weights, biases, block.packed, out.reshape(size.rows, -1))

    yield Case("multiply_packed", str(size), multiply, size.flops, "GFLOP/s")


def codec_cases(samples: int) -> Iterator[Case]:
    """Encoder and decoder of so many sites in one pass, with a hidden map; only their products are counted as work."""
    rng = np.random.default_rng(0)
    for kernel, inputs, outputs in ((decode_windows, 36, COLOURS * SIDE), (encode_patches, 3 * 16**2, 4)):
        maps = [rng.normal(0, 0.05, (UNITS, inputs)), rng.normal(0, 0.05, (outputs, inputs + UNITS))]
        weights = np.concatenate([one.reshape(-1) for one in maps]).astype(np.float32)
        units = np.array([UNITS, outputs], np.int64)
        scaling = np.zeros(inputs, np.float32), np.ones(inputs, np.float32)
        flat = weights, np.zeros(UNITS + outputs, np.float32), units
        words = rng.integers(0, 256, (1, SIDE, 24 * samples), np.uint8).view(np.uint64)
        latents = np.zeros((1, 4, 1, samples), np.float32)
        if kernel is decode_windows:
            target = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
            run = partial(kernel, latents.astype(np.float16).view(np.uint16), 3, *scaling, *flat, *target, words)
        else:
            run = partial(kernel, words, 4, *scaling, *flat, latents)
        shape = f"{inputs}-{UNITS}-{outputs}, {samples}"
        yield Case(kernel.__name__, shape, run, 2.0 * weights.size * samples, "GFLOP/s")
    inputs, outputs = 3 * (PAIR + 2 * BORDER) ** 2, 3 * PAIR**2
    maps = [rng.normal(0, 0.05, (FEW_UNITS, inputs)), rng.normal(0, 0.05, (outputs, inputs + FEW_UNITS))]
    weights = np.concatenate([one.reshape(-1) for one in maps]).astype(np.float32)
    flat = weights, np.zeros(FEW_UNITS + outputs, np.float32), np.array([FEW_UNITS, outputs], np.int64)
    scaling = np.zeros(inputs, np.float32), np.ones(inputs, np.float32)
    frames = rng.integers(0, 256, (1, SIDE, PAIR * samples // (SIDE // PAIR), 3), np.uint8)
    none = np.zeros((1, 0, 1, 1), np.uint16)
    target = np.zeros(outputs, np.float32), np.ones(outputs, np.float32)
    run = partial(refine_blocks, frames, none, PAIR, BORDER, 0, *scaling, *flat, *target, np.empty_like(frames))
    work = 2.0 * weights.size * (frames.size // outputs)
    yield Case("refine_blocks", f"{inputs}-{FEW_UNITS}-{outputs}, {frames.size // outputs}", run, work, "GFLOP/s")


def trial_cases(size: Size) -> Iterator[Case]:
    """Kernels that try changes on cached pre-activations, and tanh, which is most of their work."""
    rng = np.random.default_rng(0)
    targets = np.tanh(rng.standard_normal((size.out, size.n), np.float32))
    responses = rng.standard_normal((DIRECTIONS, size.n), np.float32)
    pre = rng.standard_normal((size.rows, size.n), np.float32)
    sigma = np.full(size.rows, 0.1, np.float32)
    losses = np.empty((size.rows, DIRECTIONS, 2), np.float32)
    shape = f"{size.rows} rows, {DIRECTIONS} directions, {size.n}"

    def score() -> None:
        score_directions(pre, targets, responses, sigma, losses)

    trials = 2.0 * size.rows * DIRECTIONS * size.n
    yield Case("score_directions", shape, score, trials, "M row-samples/s", pre.nbytes)

    one = pre[: size.out].copy()
    pull = np.zeros((size.out, DIRECTIONS), np.float32)
    gram = np.zeros((DIRECTIONS, DIRECTIONS), np.float32)
    before, steps = np.empty(size.out, np.float32), np.empty((size.out, DIRECTIONS), np.float32)
    bent, sums, ones = np.empty_like(responses), np.empty((3, size.n), np.float32), np.ones(size.out, np.float32)
    along = (responses, bent, np.float32(0.1), pull, gram, before, steps)
    trials = 3.0 * size.out * DIRECTIONS * size.n
    shape = f"{size.out} rows, {DIRECTIONS} directions, {size.n}"
    for kernel in (step_rows, step_rows_mae, step_rows_huber):
        yield Case(kernel.__name__, shape, partial(kernel, one, targets, *along), trials, "M row-samples/s", one.nbytes)
    add = partial(sum_outputs, one, targets, ones, *sums)
    yield Case("sum_outputs", f"{size.out} x {size.n}", add, one.size, "M elements/s", 2 * one.nbytes)
    step = partial(step_rows_cosine, one, targets, ones, *sums, *along)
    yield Case("step_rows_cosine", shape, step, trials, "M row-samples/s", one.nbytes)

    flat, out = pre.reshape(-1), np.empty(pre.size, np.float32)
    yield Case("apply_tanh", f"{pre.size}", lambda: apply_tanh(flat, out), pre.size, "M elements/s", 2 * pre.nbytes)


def unit_cases(size: Size) -> Iterator[Case]:
    """Kernels that try changes of hidden units, as many as there are outputs, and the products beside them."""
    rng = np.random.default_rng(0)
    pre, moved, pull = rng.standard_normal((3, size.out, size.n), np.float32)
    active, turns = np.tanh(pre), np.tanh(rng.standard_normal((DIRECTIONS, size.n), np.float32))
    sizes, roots = np.ones(size.out, np.float32), np.ones(size.n, np.float32)
    fall, bend = np.empty((2, size.out, DIRECTIONS), np.float32)
    score = partial(score_units, active, pull, sizes, turns, roots, fall, bend)
    shape = f"{size.out} units, {DIRECTIONS} directions, {size.n}"
    yield Case("score_units", shape, score, 2.0 * fall.size * size.n, "M row-samples/s", active.nbytes)
    rise, losses = np.empty_like(pre), np.empty(size.out, np.float32)
    change = partial(change_units, pre, active, pull, sizes, roots, moved, rise, losses)
    yield Case("change_units", f"{size.out} x {size.n}", change, pre.size, "M elements/s", 5.0 * pre.nbytes)
    products = np.empty((size.out, size.out), np.float32)
    multiply = partial(multiply_rows, pre, active, products)
    work = 2.0 * products.size * size.n
    yield Case("multiply_rows", f"{size.out} x {size.out}, {size.n}", multiply, work, "GFLOP/s", 2.0 * pre.nbytes)


def genome_cases(size: Size) -> Iterator[Case]:
    """Kernels for whole genomes, as many as the population has."""
    rng = np.random.default_rng(0)
    numbers = size.out * (size.inputs + 1)
    drawn, vectors = rng.standard_normal((size.pop, numbers), np.float32), rng.standard_normal((8, numbers), np.float32)
    rates, shaped = np.full(8, 1e-3, np.float32), np.empty_like(drawn)
    work = 4.0 * drawn.size * len(vectors)
    shape = partial(shape_samples, drawn, vectors, rates, shaped)
    yield Case("shape_samples", f"{size.pop} x {numbers}, 8 vectors", shape, work, "GFLOP/s", 2.0 * drawn.nbytes)

    few = 8
    weights = rng.standard_normal((size.pop, size.out, size.inputs), np.float32)
    inputs = rng.standard_normal((size.pop, few, size.inputs), np.float32)
    biases, answers = weights[:, :, 0].copy(), np.empty((size.pop, few, size.out), np.float32)
    answer = partial(answer_each, weights, biases, inputs, answers)
    yield Case("answer_each", f"{size}, {few} inputs each", answer, 2.0 * weights.size * few, "GFLOP/s", weights.nbytes)

    players = (0.5 * rng.standard_normal((size.pop, MOVES * (INPUTS + 1)))).astype(np.float32)
    food, moves = np.empty((2, size.pop, few), np.int64)
    play = partial(play_snake, players, np.array([INPUTS, MOVES]), 10, 10, 0, 0, food, moves)
    play()
    yield Case(
        "play_snake", f"{size.pop} players, {few} episodes", play, float(moves.sum()), "M steps/s", players.nbytes
    )
