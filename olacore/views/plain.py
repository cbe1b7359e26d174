"""The view of plain pairs: samples come as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.errors import ConfigError, ShapeError
from olacore.views.base import View, add_view, pack_standardised
from olacore.views.scaling import Scaling

if TYPE_CHECKING:
    from olacore.data import Dataset


@add_view
@dataclass(frozen=True)
class Plain(View):
    """From `/inputs` (n, in) to `/targets` (n, out).

    Parameters
    ----------
    inputs, outputs : numbers of an input and of a target

    Raises
    ------
    ConfigError  if there is none of either
    """

    kind: ClassVar[str] = "plain"
    name: ClassVar[str] = "plain"
    input_fields: ClassVar[tuple[str, ...]] = ("inputs",)
    target_fields: ClassVar[tuple[str, ...]] = ("targets",)
    rotates: ClassVar[bool] = True

    inputs: int = 1
    outputs: int = 1

    def __post_init__(self) -> None:
        if self.inputs < 1 or self.outputs < 1:
            raise ConfigError(f"inputs and outputs must be 1 or more; got {self.inputs} and {self.outputs}.")

    @classmethod
    def of(cls, dataset: Dataset, settings: Mapping[str, Any]) -> Self:
        """The view of the data's pairs."""
        if dataset.inputs is None or dataset.outputs is None:
            raise ShapeError("the data hold frames and latents, no plain pairs; say which module, such as a decoder.")
        return cls(dataset.inputs, dataset.outputs)

    def check(self, dataset: Dataset) -> None:
        """Raise `ShapeError` unless the data hold pairs of these sizes."""
        if dataset.kind != "pairs":
            raise ShapeError("the module was made from plain pairs, and the data hold frames and latents.")
        if (dataset.inputs, dataset.outputs) != (self.inputs, self.outputs):
            raise ShapeError(
                f"the module maps {self.inputs} inputs to {self.outputs} outputs, "
                f"and the data hold {dataset.inputs} inputs and {dataset.outputs} targets."
            )

    def cut_inputs(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Take inputs."""
        pack_standardised(raw.arrays["inputs"][raw.item], scaling, out)

    def cut_targets(self, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Take targets."""
        out[...] = ((raw.arrays["targets"][raw.item] - scaling.target_mean) / scaling.target_scale).T

    def site_count(self, arrays: Mapping[str, np.ndarray]) -> int:
        """A pair is one sample."""
        return 1

    def empty(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Answers (m, out) float32."""
        return np.empty((len(arrays["inputs"]), self.outputs), np.float32)

    def assemble(self, outputs: np.ndarray, raw: RawBlock, scaling: Scaling, out: np.ndarray) -> None:
        """Write answers."""
        out[raw.item] = scaling.restore_targets(outputs).T
