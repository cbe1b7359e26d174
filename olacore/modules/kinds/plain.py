"""Plain modules: numbers to numbers, for any other cloning job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.errors import DataError, ShapeError
from olacore.media.arrays import as_array
from olacore.modules.kinds.base import KINDS, Kind

if TYPE_CHECKING:
    from olacore.modules.module import Module


class PlainKind(Kind):
    """`predict` turns inputs into what the targets would be."""

    name: ClassVar[str] = "plain"
    verb: ClassVar[str] = "predict"
    reads: ClassVar[tuple[str, ...]] = ("inputs",)

    def run(self, module: Module, given: Any) -> np.ndarray:
        """Answer inputs (n, in), or one (in,)."""
        inputs, width = as_array(given), module.view.inputs
        if inputs.ndim not in (1, 2) or inputs.shape[-1] != width or not inputs.size:
            raise ShapeError(f"inputs must be (n, {width}) or ({width},); got {inputs.shape}.")
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(inputs, np.float32).reshape(-1, width)
        if not np.isfinite(rows).all():
            raise DataError("inputs must be finite as float32; some are NaN, inf or too large.")
        answers = module.answer({"inputs": rows})
        return answers if inputs.ndim == 2 else answers[0]


KINDS.add(PlainKind())
