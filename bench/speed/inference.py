"""Latency of encoding and decoding one picture, beside a teacher's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.common.timing import SETTLE, Action, Stopwatch, paired_ratio
from bench.speed.cases import FACTOR
from bench.speed.report import Row, latency_row
from olacore.modules.layers import Layer
from olacore.modules.module import Module
from olacore.views.patch import PatchDecoder, PatchEncoder
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from teachers import Autoencoder

PART = "inference"
SIDES = (256, 512, 1024)
CHANNELS = 4
# The teacher takes about a second a picture, so it is compared at one size; other modules are measured there too.
TEACHER_SIDE = 512


@dataclass(frozen=True)
class Shape:
    """A module of the patch view: its name in the report, latent channels, window of a decoder, hidden units."""

    name: str
    channels: int = CHANNELS
    window: int = 3
    hidden: tuple[int, ...] = ()


STACK, STACK_16 = Shape("stack", CHANNELS, 5, (256,)), Shape("16-channel stack", 16, 5, (256,))
# The first of each kind is what `ola train` makes when nothing else is said.
SHAPES = {"encode": (Shape(""), STACK, STACK_16), "decode": (Shape(""), Shape("5x5", window=5), STACK, STACK_16)}


def measure_inference(
    watch: Stopwatch, threads: int, sides: tuple[int, ...], teacher: Autoencoder | None
) -> Iterator[Row]:
    """Encode and decode square pictures with modules of the patch view and random weights."""
    for side in sides:
        compared = teacher if side == TEACHER_SIDE else None
        for verb, shapes in SHAPES.items():
            chosen = shapes if side == TEACHER_SIDE else shapes[:1]
            actions = {f"{verb} {shape.name}".strip(): organic_action(verb, shape, side) for shape in chosen}
            if compared:
                actions[f"teacher {verb}"] = partial(getattr(compared, verb), random_input(verb, CHANNELS, side)[None])
            timings = watch.compare(actions, SETTLE if compared else 0.0)
            above = timings.get(f"teacher {verb}")
            likes = {f"{verb} {shape.name}".strip() for shape in chosen if shape.channels == CHANNELS}
            for name, timing in timings.items():
                shares = {"over teacher": paired_ratio(above, timing)} if above and name in likes else {}
                yield latency_row(PART, name, f"{side}x{side}", threads, timing, shares)


def organic_action(verb: str, shape: Shape, side: int) -> Action:
    """What a module of this shape with small random weights does with one picture or latent."""
    module = random_module("encoder" if verb == "encode" else "decoder", shape)
    return partial(module.run, random_input(verb, shape.channels, side))


def random_input(verb: str, channels: int, side: int) -> np.ndarray:
    """A picture to encode or a latent to decode."""
    rng = np.random.default_rng(0)
    if verb == "encode":
        return rng.integers(0, 256, (side, side, 3), np.uint8)
    return rng.standard_normal((channels, side // FACTOR, side // FACTOR), np.float32)


def random_module(kind: str, shape: Shape) -> Module:
    """A module of the patch view with small random weights."""
    view = PatchEncoder(shape.channels) if kind == "encoder" else PatchDecoder(shape.channels, window=shape.window)
    rng = np.random.default_rng(0)
    maps, width = [], view.inputs
    for units in (*shape.hidden, view.outputs):
        maps.append(Layer(rng.normal(0, 0.05, (units, width)).astype(np.float32), np.zeros(units, np.float32)))
        width += units
    last, scaling = maps.pop(), Scaling.identity(view.inputs, view.outputs)
    return Module(view, None, last.weights, last.biases, scaling, hidden=tuple(maps))
