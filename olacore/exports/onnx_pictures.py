"""Pictures on their way into and out of a graph: numbers of pixels, and what lies beyond the edges."""

from __future__ import annotations

import numpy as np

from olacore.exports.onnx_graph import FLOAT, UINT8, Graph


def to_bytes(graph: Graph, pixels: str) -> str:
    """Pixels (batch, 3, H, W), rounded, to (batch, H, W, 3) uint8."""
    return graph.op("Transpose", graph.op("Cast", pixels, to=UINT8), perm=[0, 2, 3, 1])


def from_bytes(graph: Graph, pixels: str) -> str:
    """Pixels (batch, H, W, 3) uint8 to (batch, 3, H, W) in [-1, 1]."""
    pixels = graph.op("Cast", graph.op("Transpose", pixels, perm=[0, 3, 1, 2]), to=FLOAT)
    return graph.op("Sub", graph.op("Mul", pixels, graph.constant(1 / 127.5)), graph.constant(1))


def pad_pictures(graph: Graph, pixels: str, factor: int, border: int, uint8: bool) -> str:
    """Pictures as an encoder reads them, (batch, 3, H, W) float32 in [-1, 1].

    The last pixels are repeated until both sides are multiples of `factor`; around that is a border that reflects it.
    """
    if uint8:
        pixels = from_bytes(graph, pixels)
    sides = graph.op("Slice", graph.op("Shape", pixels), graph.whole(2), graph.whole(4))
    more = graph.op("Mod", graph.op("Neg", sides), graph.whole(factor))
    if border < factor:
        pads = graph.op("Concat", graph.whole(0, 0, 0, 0, 0, 0), more, axis=0)
        pixels = graph.op("Pad", pixels, pads, mode="edge")
        return reflected(graph, pixels, border, factor)
    # The operator reflects once at most, and a small picture may be reflected several times.
    whole = graph.op("Add", sides, more)
    for axis in range(2):
        last, length = (graph.op("Gather", of, graph.whole(axis)) for of in (sides, whole))
        places = _reflected(graph, length, border)
        places = graph.op("Min", places, graph.op("Sub", last, graph.whole(1)))
        pixels = graph.op("Gather", pixels, places, axis=2 + axis)
    return pixels


def reflected(graph: Graph, pixels: str, border: int, least: int = 1) -> str:
    """Pictures (batch, 3, H, W), sides of `least` or more, with a border that reflects them, as often as need be."""
    if border < least:
        return graph.op("Pad", pixels, graph.whole(0, 0, border, border, 0, 0, border, border), mode="reflect")
    sides = graph.op("Slice", graph.op("Shape", pixels), graph.whole(2), graph.whole(4))
    for axis in range(2):
        places = _reflected(graph, graph.op("Gather", sides, graph.whole(axis)), border)
        pixels = graph.op("Gather", pixels, places, axis=2 + axis)
    return pixels


def _reflected(graph: Graph, length: str, border: int) -> str:
    """The places (length + 2 border,) in a line of `length` that is reflected at its ends as often as need be."""
    first, step = graph.constant(-border, np.int64), graph.constant(1, np.int64)
    end = graph.op("Add", graph.op("Squeeze", length), graph.constant(border, np.int64))
    period = graph.op("Max", graph.op("Sub", graph.op("Mul", length, graph.whole(2)), graph.whole(2)), graph.whole(1))
    ahead = graph.op("Mod", graph.op("Range", first, end, step), period)
    return graph.op("Min", ahead, graph.op("Sub", period, ahead))
