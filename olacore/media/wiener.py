"""The Wiener filter of whole latents around their text means: what a denoiser of sites reads beside its windows.

Where there is much noise, what a latent is beyond its text mean shows in what all sites say together. Of deviations
from the text mean with these principal axes and spreads e, noise of level sigma leaves a share e / (e + sigma^2) of
what is seen along each axis; no linear estimate is better.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.errors import DataError, ShapeError

# What a module carries of it.
NAMES = ("axes", "gains", "middle")
# The largest of the levels that an axis is rounded to, and the largest float16.
LEVELS, LARGEST = 127, np.float32(65504)
# Numbers of a latent, whose covariance is in memory several times over.
MOST_NUMBERS = 4096


@dataclass(frozen=True, eq=False)
class Wiener:
    """A filter in some principal axes, as a module's file holds it; what lies beside them all counts as noise.

    Parameters
    ----------
    axes : (k, n) int8, by falling spread; each stands for its direction, of length 1
    gains : (k,) float16 in [0, 1]
    middle : (n,) float16, the mean of latents less their text means

    Raises
    ------
    DataError  if they do not fit each other
    """

    axes: np.ndarray
    gains: np.ndarray
    middle: np.ndarray

    def __post_init__(self) -> None:
        types = [part.dtype for part in self.tensors.values()] == [np.int8, np.float16, np.float16]
        fits = self.axes.ndim == 2 and self.gains.shape == self.axes.shape[:1] and self.middle.ndim == 1
        if not (types and fits and self.middle.shape == self.axes.shape[1:] and self.axes.size):
            forms = ", ".join(f"{name} {part.dtype} {part.shape}" for name, part in self.tensors.items())
            raise DataError(f"a Wiener filter needs axes (k, n) int8, gains (k,) and middle (n,) float16; got {forms}.")
        if not (self.axes.any(1).all() and np.isfinite(self.middle).all()):
            raise DataError("a Wiener filter needs axes that are not 0, and a finite middle.")
        if not ((self.gains >= 0) & (self.gains <= 1)).all():
            raise DataError("the gains of a Wiener filter must be 0 to 1.")

    @classmethod
    def fit(cls, rests: Iterable[np.ndarray], components: int, level: float) -> Wiener:
        """Find the best filter for noise of a level.

        Parameters
        ----------
        rests : parts of the rows, (m, n) float64 each: latents less their text means
        components : principal axes that are kept
        level : of the noise
        """
        from threadpoolctl import threadpool_limits

        count, total, products = 0, np.zeros(1), np.zeros((1, 1))
        with threadpool_limits(1, user_api="blas"):
            for rest in rests:
                count, total, products = count + len(rest), total + rest.sum(0), products + rest.T @ rest
            mean = total / count
            spreads, found = np.linalg.eigh(products / count - np.outer(mean, mean))
        found, spreads = found.T[::-1][:components], np.maximum(spreads[::-1][:components], 0)
        # Which of two opposite directions an eigenvector has is an accident of the library.
        largest = found[np.arange(len(found)), np.abs(found).argmax(1)]
        levels = np.ascontiguousarray(np.rint(found * (LEVELS / largest)[:, None]), np.int8)
        return cls(levels, (spreads / (spreads + level**2)).astype(np.float16), mean.astype(np.float16))

    @classmethod
    def of_view(cls, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Wiener | None:
        """The filter of a view; None where it has none.

        Parameters
        ----------
        values : plain ones of the view
        tensors : that it carries

        Raises
        ------
        DataError, ShapeError  if they are not those of such a view
        """
        needed = NAMES if values.get("spine") else ()
        if {*tensors} != {*needed}:
            there, expected = (", ".join(sorted(names)) or "none" for names in (tensors, needed))
            raise DataError(f"of arrays the {values['name']} view carries {expected}; got {there}.")
        found = cls(**tensors) if tensors else None
        check_spine(values, found)
        return found

    def __eq__(self, other: object) -> bool:
        """Whether all arrays are the same."""
        if not isinstance(other, Wiener):
            return False
        return all(np.array_equal(part, other.tensors[name]) for name, part in self.tensors.items())

    def __hash__(self) -> int:
        return hash(self.axes.tobytes())

    @property
    def tensors(self) -> dict[str, np.ndarray]:
        """Its arrays by name."""
        return {name: getattr(self, name) for name in NAMES}

    @cached_property
    def directions(self) -> np.ndarray:
        """The axes at length 1, (k, n) float32."""
        wide = self.axes.astype(np.float32)
        return wide / np.linalg.norm(wide, axis=1, keepdims=True)

    def clean(self, noisy: np.ndarray, means: np.ndarray) -> np.ndarray:
        """The twin of the kernel `filter_latents` in NumPy alone.

        Parameters
        ----------
        noisy, means : latents and text means (m, C, h, w) float16

        Returns
        -------
        (m, C, h, w) float16

        Raises
        ------
        ShapeError  if the latents are of another size
        """
        from threadpoolctl import threadpool_limits

        count, numbers = len(noisy), len(self.middle)
        if noisy[0].size != numbers:
            raise ShapeError(f"the filter of a denoiser is for latents of {numbers} numbers; got {noisy[0].size}.")
        expected = means.reshape(count, numbers).astype(np.float32) + self.middle.astype(np.float32)
        with threadpool_limits(1, user_api="blas"):
            parts = (noisy.reshape(count, numbers).astype(np.float32) - expected) @ self.directions.T
            found = expected + (parts * self.gains.astype(np.float32)) @ self.directions
        return rounded(found).reshape(noisy.shape)


def rounded(estimates: np.ndarray) -> np.ndarray:
    """Numbers as float16, within what that holds."""
    return np.clip(estimates, -LARGEST, LARGEST).astype(np.float16)


def check_spine(values: Mapping[str, Any], found: Wiener | None) -> None:
    """Raise `ShapeError` unless a view has the filter that its plain values speak of, for text means that it reads."""
    asked, sides = values.get("spine", 0), (values.get("height", 0), values.get("width", 0))
    forms = (len(found.axes), found.axes.shape[1]) if found else (0, 0)
    if forms != (asked, values["channels"] * sides[0] * sides[1]) or (asked and not values["text_window"]):
        raise ShapeError(
            f"a window denoiser with a spine of {asked} principal components of latents of {sides[0]} x {sides[1]} "
            f"sites reads a window of a text mean and carries such axes; got a text window of {values['text_window']} "
            f"and {forms[0]} axes of {forms[1]} numbers."
        )
