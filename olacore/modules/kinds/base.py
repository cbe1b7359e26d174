"""What a kind of module is: what it reads, what it answers, and how it runs on arrays of a caller."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.blocks import row_ranges
from olacore.registry import Registry
from olacore.views.base import View
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from collections.abc import Callable

    from olacore.blocks import RawBlock
    from olacore.modules.module import Module

# Samples in memory at once, so that a picture of any size is answered piece by piece; the pieces change no bit.
ROWS_AT_ONCE = 4_096


class Kind(ABC):
    """What a module is for.

    Attributes
    ----------
    name : what it is found by, and what `--module` takes
    verb : what such a module does, for messages
    reads : fields that it is given
    figures : of `Metrics`, in the order of tables
    baselines : names of what its figures are shown beside, see `olacore.quality.evaluation`
    """

    name: ClassVar[str]
    verb: ClassVar[str]
    reads: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[str, ...]] = ("loss", "r2", "l2", "cosine", "cosine_centered")
    baselines: ClassVar[tuple[str, ...]] = ("least_squares", "mean")

    @abstractmethod
    def run(self, module: Module, given: Any) -> np.ndarray:
        """Check what a caller gives, and answer it.

        Parameters
        ----------
        module : of this kind
        given : what `reads` names, for one item or for m, such as (m, H, W, 3)

        Returns
        -------
        (m, ...) of the kind's answers, or one of them

        Raises
        ------
        ShapeError, DTypeError, DataError  if it is not what such a module reads
        """


# Kinds of modules by name.
KINDS: Registry[Kind] = Registry("kind of module")


def answer_all(
    view: View, scaling: Scaling, forward: Callable[[RawBlock], np.ndarray], arrays: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Answer every item of some arrays, part by part, whatever does the answering.

    Parameters
    ----------
    forward : answers the samples of a raw block, (out, n) float32 in the scale of the standardised targets
    arrays : what the view reads, (m, ...) each
    """
    out, plain = view.empty(arrays), dict(arrays)
    for raw, _ in row_ranges(plain, view.site_count(arrays), ROWS_AT_ONCE):
        outputs = forward(raw)
        view.assemble(outputs, raw, scaling, out)
    return out
