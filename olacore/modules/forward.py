"""Maps one after the other on the samples of a raw block, by the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from olacore.blocks import RawBlock
from olacore.kernels.forward import forward_population
from olacore.kernels.layers import append_few, append_layer
from olacore.kernels.tile import LANES
from olacore.modules.layers import Layer
from olacore.views import View
from olacore.views.scaling import Scaling


def forward(view: View, scaling: Scaling, maps: Sequence[Layer], raw: RawBlock) -> np.ndarray:
    """Answer every sample of a raw block: (out, n) float32, in the scale of the standardised targets.

    Parameters
    ----------
    maps : in the order in which they answer; each reads the inputs and what all before it answered
    """
    if len(raw.item) <= LANES:
        return _forward_few(view, scaling, maps, raw)
    *hidden, last = maps
    outputs = np.empty((1, last.units, len(raw.item)), np.float32)
    packed = view.gather_inputs(raw, scaling, room=sum(layer.units for layer in hidden))
    for layer in hidden:
        append_layer(layer.weights, layer.biases, len(raw.item), packed)
    forward_population(last.weights[None], last.biases[None], packed, outputs)
    return outputs[0]


def _forward_few(view: View, scaling: Scaling, maps: Sequence[Layer], raw: RawBlock) -> np.ndarray:
    """`forward` for LANES samples or fewer: the same numbers, without most of a chunk that is empty."""
    values = np.empty((view.inputs + sum(layer.units for layer in maps), LANES), np.float32)
    values[: view.inputs] = view.gather_inputs(raw, scaling)[0, :, :LANES]
    for layer in maps:
        append_few(layer.weights, layer.biases, values)
    return np.ascontiguousarray(values[-maps[-1].units :, : len(raw.item)])
