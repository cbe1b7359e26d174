"""A stream whose rows come with their noisy latents."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from olacore.blocks import RawBlock
from olacore.data.stream import BlockStream, Group
from olacore.views.noise import noisy_latents


class NoisyStream(BlockStream):
    """Noise is drawn once a pass for all blocks of a group, by the thread that reads ahead, while the search goes on.

    Parameters
    ----------
    level : of the noise, see `noisy_latents`
    everything else : of the stream
    """

    def __init__(self, level: float, *stream: Any) -> None:
        self._level = level  # first, since the thread begins at once
        super().__init__(*stream)

    def _load(self, pass_: int, number: int) -> Group:
        group = super()._load(pass_, number)
        none = np.empty(0, np.int32)
        raw = RawBlock(group.arrays, group.indices, none, none, pass_, self._seed)
        return replace(group, arrays={**group.arrays, "noisy": noisy_latents(raw, self._level)})
