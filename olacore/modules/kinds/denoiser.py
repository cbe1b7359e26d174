"""Denoisers: what is known of a latent, such as a noisy one and its caption's embedding, to the clean latent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from olacore.errors import DataError, ShapeError
from olacore.media.arrays import as_array
from olacore.modules.kinds.base import KINDS, Kind
from olacore.views.denoising import DenoiserView

if TYPE_CHECKING:
    from olacore.modules.module import Module


class Denoiser(Kind):
    """`denoise` answers clean latents."""

    name: ClassVar[str] = "denoiser"
    verb: ClassVar[str] = "denoise"
    reads: ClassVar[tuple[str, ...]] = ("noisy", "embeddings", "text_means", "certainty")

    def run(self, module: Module, given: Mapping[str, Any]) -> np.ndarray:
        """Check that everything which the view reads is given, for as many latents each, and denoise them."""
        view = module.view
        assert isinstance(view, DenoiserView)
        if not isinstance(given, Mapping) or given.keys() != view.given.keys():
            names = ", ".join(map(str, given)) if isinstance(given, Mapping) else type(given).__name__
            raise ShapeError(f"a {view.title} is given {', '.join(view.given)}; got {names or 'nothing'}.")
        arrays, several = {}, set()
        for name, shape in view.given.items():
            array = as_array(given[name])
            arrays[name] = checked(name, array, shape)
            several.add(array.ndim > len(shape))
        sizes = {name: array.shape for name, array in arrays.items()}
        sides = {shape[2:] for shape in sizes.values() if len(shape) == 4}
        if len({shape[0] for shape in sizes.values()}) > 1 or len(several) > 1 or len(sides) > 1:
            raise ShapeError(f"a denoiser is given as many of each, and latents of one size; got {sizes}.")
        latents = module.answer(arrays)
        return latents if several.pop() else latents[0]


def checked(name: str, array: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
    """Return entries of a shape, where None is any size: latents as (n, C, h, w) float16, others as (n, k) float32.

    Raises
    ------
    ShapeError, DataError  if they are of another shape, no numbers, or not finite
    """
    sizes = array.shape[-len(shape) :]
    fits = array.ndim - len(shape) in (0, 1) and all(
        want in (None, size) for want, size in zip(shape, sizes, strict=True)
    )
    form = ", ".join("any" if size is None else str(size) for size in shape)
    if not fits or 0 in array.shape or array.dtype.kind not in "fiu":
        raise ShapeError(
            f"{name} must be numbers of the shape ({form}) or (n, {form}); got {array.dtype} {array.shape}."
        )
    dtype = np.dtype(np.float16 if len(shape) == 3 else np.float32)
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(array, dtype).reshape(-1, *sizes)
    if not np.isfinite(rows).all():
        raise DataError(f"{name} must be finite as {dtype}; some are NaN, inf or too large.")
    return rows


KINDS.add(Denoiser())
