"""Refiners: pictures as a decoder drew them to what they should look like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.errors import ShapeError
from olacore.media.arrays import as_array, as_pictures
from olacore.media.frames import checked_latents
from olacore.modules.kinds.base import KINDS, Kind
from olacore.views.refining import Refiner as RefinerView

if TYPE_CHECKING:
    from olacore.modules.module import Module


class Refiner(Kind):
    """`refine` takes a decoder's errors out of its pictures."""

    name: ClassVar[str] = "refiner"
    verb: ClassVar[str] = "refine"
    reads: ClassVar[tuple[str, ...]] = ("recon",)

    def run(self, module: Module, given: Any) -> np.ndarray:
        """Refine pictures of whole blocks; with `recon` and `latents` by name where the latents are read too."""
        view = module.view
        assert isinstance(view, RefinerView)
        parts = given if isinstance(given, Mapping) else {"recon": given}
        pictures, batched = as_pictures(parts["recon"])
        height, width = pictures.shape[1:3]
        if height % view.factor or width % view.factor:
            raise ShapeError(f"a {view.title} takes sides of whole blocks of {view.factor}; got {height} x {width}.")
        arrays = {"recon": np.ascontiguousarray(pictures)}
        if view.context is not None:
            arrays["latents"] = self._latents(view, parts.get("latents"), pictures)
        refined = module.answer(arrays)
        return refined if batched else refined[0]

    def _latents(self, view: RefinerView, given: Any, pictures: np.ndarray) -> np.ndarray:
        """The latents (m, C, h, w) float16 that the pictures were drawn from."""
        assert view.channels is not None
        if given is None:
            raise ShapeError(f"a {view.title} with context reads the latents that the pictures were drawn from too.")
        latents = checked_latents(as_array(given), view.channels, 3)
        count, height, width, _ = pictures.shape
        found, expected = (len(latents), *latents.shape[2:]), (count, height // view.factor, width // view.factor)
        if found != expected:
            raise ShapeError(f"latents must have {expected[1]} x {expected[2]} sites for each picture; got {found}.")
        return latents


KINDS.add(Refiner())
