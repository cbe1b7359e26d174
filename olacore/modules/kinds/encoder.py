"""Encoders: pictures to latents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.media.arrays import as_pictures
from olacore.media.frames import pad_to_factor
from olacore.modules.kinds.base import KINDS, Kind
from olacore.views.latents import LatentView

if TYPE_CHECKING:
    from olacore.modules.module import Module


class Encoder(Kind):
    """`encode` turns pictures into latents."""

    name: ClassVar[str] = "encoder"
    verb: ClassVar[str] = "encode"
    reads: ClassVar[tuple[str, ...]] = ("frames",)

    def run(self, module: Module, given: Any) -> np.ndarray:
        """Pad pictures to whole patches, and encode them."""
        view = module.view
        assert isinstance(view, LatentView)
        pictures, batched = as_pictures(given)
        latents = module.answer({"frames": pad_to_factor(pictures, view.factor)})
        return latents if batched else latents[0]


KINDS.add(Encoder())
