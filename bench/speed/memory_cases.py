"""Kernels that make, move or rearrange numbers: random numbers, mutations, packing, gathering."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from bench.speed.cases import FACTOR, Block, Case, Size
from olacore.kernels.blend import blend_rows
from olacore.kernels.gather import (
    gather_drawn,
    gather_noisy,
    gather_patch_targets,
    gather_patches,
    gather_sites,
    gather_windows,
)
from olacore.kernels.layout import empty_packed, pack_rows, unpack_rows
from olacore.kernels.mutate import mutate_population, mutate_rank1, mutate_sparse, recombine_rows
from olacore.kernels.random import fill_normal, fill_uniform
from olacore.kernels.scatter import scatter_patches
from olacore.kernels.trust import update_trust
from olacore.kernels.windows import cut_windows, fold_windows
from olacore.kernels.words import hash_words
from olacore.views.retina import Retina

CHANNELS, BORDER, WINDOW = 4, 4, 3
SIDE = 64
TEXT_BYTES, BUCKETS = 48, 2048


def random_cases(size: Size) -> Iterator[Case]:
    """Random numbers by themselves, (rows, in) of them."""
    out = np.empty((size.rows, size.inputs), np.float32)
    shape = f"{size.rows}x{size.inputs}"
    yield Case("fill_normal", shape, lambda: fill_normal(1, 2, out), out.size, "M elements/s", out.nbytes)
    yield Case("fill_uniform", shape, lambda: fill_uniform(1, 2, out), out.size, "M elements/s", out.nbytes)


def population_cases(size: Size) -> Iterator[Case]:
    """Kernels that make children of a population."""
    block = Block.random(Size(size.pop, size.out, size.inputs, 1))
    weights, biases = block.weights, block.biases
    out_weights, out_biases = np.empty_like(weights), np.empty_like(biases)
    parents = np.arange(size.pop)[::-1].copy()
    sigma = np.full(size.pop, 0.01, np.float32)
    chance = np.full(size.pop, 0.1, np.float32)
    shape, traffic = f"{size.pop}x{size.out}x{size.inputs}", 2.0 * weights.nbytes

    def gaussian() -> None:
        mutate_population(weights, biases, parents, sigma, 1, 2, out_weights, out_biases)

    def sparse() -> None:
        mutate_sparse(weights, biases, parents, sigma, chance, 1, 2, out_weights, out_biases)

    def rank1() -> None:
        mutate_rank1(weights, biases, parents, sigma, 1, 2, out_weights, out_biases)

    for name, action in (("mutate_population", gaussian), ("mutate_sparse", sparse), ("mutate_rank1", rank1)):
        yield Case(name, shape, action, weights.size, "M elements/s", traffic)

    source = np.random.default_rng(0).integers(0, size.pop, (size.pop, size.out))

    def recombine() -> None:
        recombine_rows(weights, biases, source, out_weights, out_biases)

    yield Case("recombine_rows", shape, recombine, traffic, "GB/s", traffic)

    shares = np.full((size.pop, size.out), 1 / size.pop, np.float32)

    def blend() -> None:
        blend_rows(weights, biases, shares, out_weights[0], out_biases[0])

    yield Case("blend_rows", shape, blend, weights.nbytes, "GB/s", weights.nbytes)

    trust = np.full(size.pop, 0.5, np.float32)
    rates = np.float32(0.01), np.float32(0.005), np.float32(1e-6)

    def update() -> None:
        update_trust(trust, sigma, chance, *rates, trust)

    yield Case("update_trust", f"{size.pop}", update, size.pop, "M elements/s", 4.0 * trust.nbytes)


def layout_cases(size: Size) -> Iterator[Case]:
    """Plain rows to the kernels' layout and back."""
    x = np.random.default_rng(0).standard_normal((size.n, size.inputs), np.float32)
    packed = empty_packed(size.n, size.inputs)
    shape, traffic = f"{size.n}x{size.inputs}", 2.0 * x.nbytes
    yield Case("pack_rows", shape, lambda: pack_rows(x, packed), traffic, "GB/s", traffic)
    yield Case("unpack_rows", shape, lambda: unpack_rows(packed, x), traffic, "GB/s", traffic)


def gather_cases(samples: int) -> Iterator[Case]:
    """Rows cut from pictures and latents in a shuffled order, as training does; SIDE x SIDE sites a picture."""
    rng = np.random.default_rng(0)
    pictures = max(1, samples // SIDE**2)
    frames = rng.integers(0, 256, (pictures, SIDE * FACTOR, SIDE * FACTOR, 3), np.uint8)
    latents = rng.standard_normal((pictures, CHANNELS, SIDE, SIDE), np.float32).astype(np.float16).view(np.uint16)
    item, site = (part.astype(np.int32) for part in np.divmod(rng.permutation(pictures * SIDE**2), SIDE**2))
    item, site = item[:samples].copy(), site[:samples].copy()

    def scaling(width: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(width, np.float32), np.ones(width, np.float32)

    patch = scaling(3 * (FACTOR + 2 * BORDER) ** 2)
    patches = empty_packed(samples, len(patch[0]))

    def cut_patches() -> None:
        gather_patches(frames, item, site, FACTOR, BORDER, *patch, patches)

    window = scaling(CHANNELS * WINDOW**2)
    windows = empty_packed(samples, len(window[0]))

    def gather() -> None:
        gather_windows(latents, item, site, WINDOW, *window, windows)

    both = scaling(len(patch[0]) + len(window[0]))
    drawn_patches = empty_packed(samples, len(both[0]))

    def cut_drawn() -> None:
        gather_drawn(frames, latents, item, site, FACTOR, BORDER, WINDOW, *both, drawn_patches)

    seen = scaling(3 * CHANNELS * WINDOW**2 + 4)
    numbers = rng.standard_normal((pictures, 2), np.float32)
    seen_windows = empty_packed(samples, len(seen[0]))

    def gather_both() -> None:
        gather_noisy(latents, latents, latents, numbers, item, site, WINDOW, WINDOW, *seen, seen_windows)

    pixel = scaling(3 * FACTOR**2)
    pixels = np.empty((len(pixel[0]), samples), np.float32)

    def cut_pixels() -> None:
        gather_patch_targets(frames, item, site, FACTOR, *pixel, pixels)

    cell = scaling(CHANNELS)
    cells = np.empty((CHANNELS, samples), np.float32)

    def cut_cells() -> None:
        gather_sites(latents, item, site, *cell, cells)

    drawn = np.empty_like(frames)

    def draw_pixels() -> None:
        scatter_patches(pixels, item, site, FACTOR, *pixel, drawn)

    for name, action, out, width in (
        ("gather_patches", cut_patches, patches, 1),
        ("gather_windows", gather, windows, 2),
        ("gather_drawn", cut_drawn, drawn_patches, 1),
        ("gather_noisy", gather_both, seen_windows, 2),
        ("gather_patch_targets", cut_pixels, pixels, 1),
        ("gather_sites", cut_cells, cells, 2),
        ("scatter_patches", draw_pixels, pixels, 1),
    ):
        inputs = out.shape[-2] if out.ndim == 3 else out.shape[0]
        traffic = float(samples * inputs * (4 + width))
        yield Case(name, f"{samples}x{inputs}", action, traffic, "GB/s", traffic)


def word_cases(texts: int) -> Iterator[Case]:
    """Texts of some words as vectors."""
    letters = np.random.default_rng(0).choice(np.frombuffer(b"etaoinshr ", np.uint8), (texts, TEXT_BYTES))
    out = np.empty((texts, BUCKETS), np.float32)
    traffic = float(letters.nbytes + 4 * out.nbytes)
    yield Case("hash_words", f"{texts}x{TEXT_BYTES}", lambda: hash_words(letters, out), traffic, "GB/s", traffic)


def window_cases(pictures: int) -> Iterator[Case]:
    """Windows of whole latents of SIDE x SIDE sites, and the way back."""
    latents = np.random.default_rng(0).standard_normal((CHANNELS, pictures * SIDE**2), np.float32)
    windows = np.empty((CHANNELS * WINDOW**2, latents.shape[1]), np.float32)
    shape = f"{pictures}x{SIDE}x{SIDE}"
    for kernel, source, out in ((cut_windows, latents, windows), (fold_windows, windows, latents)):
        action = partial(kernel, source, SIDE, SIDE, WINDOW, out)
        yield Case(kernel.__name__, shape, action, 2.0 * windows.nbytes, "GB/s", 2.0 * windows.nbytes)


def retina_cases(pictures: int) -> Iterator[Case]:
    """Whole pictures through the retina; each sample of a cell reads three bytes."""
    frames = np.random.default_rng(0).integers(0, 256, (pictures, 256, 256, 3), np.uint8)
    retina = Retina.seeded(0)
    seen = 3.0 * pictures * retina.rows.size
    yield Case("project_frames", f"{pictures}x256x256", lambda: retina.project(frames), seen, "GB/s", seen)
