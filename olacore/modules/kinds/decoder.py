"""Decoders: latents to pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.media.arrays import as_array
from olacore.media.frames import checked_latents
from olacore.modules.kinds.base import KINDS, Kind
from olacore.views.latents import LatentView
from olacore.views.whole import WholeView

if TYPE_CHECKING:
    from olacore.modules.module import Module


class Decoder(Kind):
    """`decode` turns latents into pictures."""

    name: ClassVar[str] = "decoder"
    verb: ClassVar[str] = "decode"
    reads: ClassVar[tuple[str, ...]] = ("latents",)
    figures: ClassVar[tuple[str, ...]] = (*Kind.figures, "psnr")
    baselines: ClassVar[tuple[str, ...]] = (*Kind.baselines, "block_mean", "teacher")

    def run(self, module: Module, given: Any) -> np.ndarray:
        """Decode latents; a refiner that the module carries takes its errors out."""
        view = module.view
        assert isinstance(view, LatentView)
        latents = as_array(given)
        rank = 1 if isinstance(view, WholeView) else 3
        items = checked_latents(latents, view.channels, rank)
        pictures = module.answer({"latents": items[:, :, None, None] if rank == 1 else items})
        if module.refiner is not None:
            pictures = module.refiner.answer({"recon": pictures, "latents": items})
        return pictures if latents.ndim == rank + 1 else pictures[0]


KINDS.add(Decoder())
