"""Latency of encoding and decoding one picture, beside a teacher's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.report import Row, latency_row
from bench.timing import SETTLE, Action, Stopwatch, paired_ratio
from olacore.frames import FACTOR
from olacore.module import Module
from olacore.scaling import Scaling
from olacore.views import View

if TYPE_CHECKING:
    from teachers import Teacher

PART = "inference"
SIDES = (256, 512, 1024)
CHANNELS = 4
# The teacher takes about a second a picture, so it is compared at one size.
TEACHER_SIDE = 512


def measure_inference(watch: Stopwatch, threads: int, sides: tuple[int, ...], teacher: Teacher | None) -> Iterator[Row]:
    """Encode and decode square pictures with modules of the default views and random weights."""
    encoder, decoder = random_module("encoder"), random_module("decoder")
    for side in sides:
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (side, side, 3), np.uint8)
        cells = side // FACTOR
        latent = rng.standard_normal((CHANNELS, cells, cells), np.float32)
        compared = teacher if side == TEACHER_SIDE else None
        encode: dict[str, Action] = {"encode": partial(encoder.encode, picture)}
        decode: dict[str, Action] = {"decode": partial(decoder.decode, latent)}
        if compared:
            encode["teacher encode"] = partial(compared.encode, picture[None])
            decode["teacher decode"] = partial(compared.decode, latent[None])
        for actions in (encode, decode):
            timings = watch.compare(actions, SETTLE if compared else 0.0)
            for name, timing in timings.items():
                pair = timings.get(f"teacher {name}")
                shares = {"over teacher": paired_ratio(pair, timing)} if pair else {}
                yield latency_row(PART, name, f"{side}x{side}", threads, timing, shares)


def random_module(kind: str) -> Module:
    """A module of the default patch view with small random weights."""
    view = View(kind, "patch", CHANNELS)
    rng = np.random.default_rng(0)
    weights = rng.normal(0, 0.05, (view.outputs, view.inputs)).astype(np.float32)
    biases = np.zeros(view.outputs, np.float32)
    return Module(view, None, weights, biases, Scaling.identity(view.inputs, view.outputs))
