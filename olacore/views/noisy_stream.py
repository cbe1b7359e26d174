"""A stream whose rows come with their noisy latents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from olacore.blocks import RawBlock
from olacore.data.stream import BlockStream, Group


class NoisyStream(BlockStream):
    """Noise is drawn once a pass for all blocks of a group, by the thread that reads ahead, while the search goes on.

    Parameters
    ----------
    made : arrays that a view makes of those of a group, among them `noisy`; see `NoisyView.made`
    everything else : of the stream
    """

    def __init__(self, made: Callable[[RawBlock], dict[str, np.ndarray]], *stream: Any) -> None:
        self._made = made  # first, since the thread begins at once
        super().__init__(*stream)

    def _load(self, pass_: int, number: int) -> Group:
        group = super()._load(pass_, number)
        none = np.empty(0, np.int32)
        raw = RawBlock(group.arrays, group.indices, none, none, pass_, self._seed)
        return replace(group, arrays={**group.arrays, **self._made(raw)})
