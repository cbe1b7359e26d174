"""Refiners: pictures as a decoder drew them to what they should look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.errors import ShapeError
from olacore.media.arrays import as_pictures
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
        """Refine pictures of whole blocks."""
        view = module.view
        assert isinstance(view, RefinerView)
        pictures, batched = as_pictures(given)
        height, width = pictures.shape[1:3]
        if height % view.factor or width % view.factor:
            raise ShapeError(f"a {view.title} takes sides of whole blocks of {view.factor}; got {height} x {width}.")
        refined = module.answer({"recon": np.ascontiguousarray(pictures)})
        return refined if batched else refined[0]


KINDS.add(Refiner())
