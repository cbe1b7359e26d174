"""The Wiener filter of whole latents around their text means: what a denoiser of sites reads beside its windows.

Where there is much noise, what a latent is beyond its text mean shows in what all sites say together. Of residuals
(latents less text means) with spreads e along their principal axes, noise of level sigma leaves a share
e / (e + sigma^2) of what is seen along each. Of linear estimates that has the least mean square error (N. Wiener,
"Extrapolation, Interpolation, and Smoothing of Stationary Time Series", MIT Press 1949); here it has so for the rows
that it is fitted to, where all components are kept and all captions are of one class. Along components that are left
out nothing is estimated. Text means of captions that are like others are much nearer to the latents, so each class of
captions has gains of its own; axes and mean are those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.errors import DataError, ShapeError

# What a module carries of it.
NAMES = ("axes", "gains", "thresholds", "mean")
# Steps that the largest number of an axis is rounded to, and the largest float16.
STEPS, LARGEST = 127, np.float32(65504)
# Classes of captions, of about as many training rows each, by how like they are to the nearest other one.
CLASSES = 2
# Of the training rows, in the smallest class. Where many captions are equally like another, one that is left over would
# be a class, and its gains those of a few residuals.
LEAST_SHARE = 0.25
# Numbers of a latent, whose covariance is in memory several times over.
MOST_NUMBERS = 4096


@dataclass(frozen=True, eq=False)
class WienerFilter:
    """A filter in some principal axes, as a module's file holds it; what lies beside them all counts as noise.

    Parameters
    ----------
    axes : (k, n) int8, by falling spread; each stands for its direction, of length 1
    gains : (classes, k) float16 in [0, 1], for captions by their certainty, from the least on
    thresholds : (classes - 1,) float16, the certainty from which on a caption is of the next class
    mean : (n,) float16, of latents less their text means

    Raises
    ------
    DataError  if they do not fit each other
    """

    axes: np.ndarray
    gains: np.ndarray
    thresholds: np.ndarray
    mean: np.ndarray

    def __post_init__(self) -> None:
        types = [part.dtype for part in self.tensors.values()] == [np.int8, *[np.float16] * 3]
        fits = (self.axes.ndim, self.gains.ndim) == (2, 2) and self.axes.size and self.gains.size
        fits = fits and (self.gains.shape[1:], self.mean.shape) == (self.axes.shape[:1], self.axes.shape[1:])
        if not (types and fits and self.thresholds.shape == (len(self.gains) - 1,)):
            forms = ", ".join(f"{name} {part.dtype} {part.shape}" for name, part in self.tensors.items())
            raise DataError(
                f"a Wiener filter needs axes (k, n) int8, gains (c, k), thresholds (c - 1,) and mean (n,); got {forms}."
            )
        if not (self.axes.any(1).all() and np.isfinite(self.mean).all()):
            raise DataError("a Wiener filter needs axes that are not 0, and a finite mean.")
        # Of neighbours, since a difference of two float16 may overflow.
        if not (np.isfinite(self.thresholds).all() and (self.thresholds[:-1] <= self.thresholds[1:]).all()):
            raise DataError("the thresholds of a Wiener filter must be finite and rise.")
        if not ((self.gains >= 0) & (self.gains <= 1)).all():
            raise DataError("the gains of a Wiener filter must be 0 to 1.")

    @classmethod
    def fit(
        cls, rows: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]], components: int, level: float
    ) -> WienerFilter:
        """Find the best filter for noise of a level.

        Parameters
        ----------
        rows : gives them part by part, twice: residuals (m, n) float64, which are latents less their text means, and
            how like their captions are to the nearest other one, (m,), or (0,) where that is not known
        components : principal axes that are kept
        level : of the noise

        Raises
        ------
        DataError  if there are no rows, or no principal axes are found
        """
        from threadpoolctl import threadpool_limits

        count, certainties = 0, [np.empty(0)]
        total: Any = 0.0
        products: Any = 0.0
        with threadpool_limits(1, user_api="blas"):
            for residuals, certainty in rows():
                count += len(residuals)
                total += residuals.sum(0)
                products += residuals.T @ residuals
                certainties.append(certainty)
            if not count:
                raise DataError("a Wiener filter is fitted to rows, and there are none without NaN or inf.")
            mean = total / count
            products /= count
            products -= np.outer(mean, mean)
            axes = principal_axes(products, components)
            del products
            thresholds = thresholds_of(np.concatenate(certainties))
            sizes, spreads = np.zeros((len(thresholds) + 1, 1)), np.zeros((len(thresholds) + 1, len(axes)))
            for residuals, certainty in rows():
                parts = np.square((residuals - mean) @ axes.T)
                of = classes_of(certainty, thresholds) if len(thresholds) else np.zeros(len(residuals), np.int64)
                np.add.at(sizes, of, 1)
                np.add.at(spreads, of, parts)
        spreads /= sizes
        gains = (spreads / (spreads + level**2)).astype(np.float16)
        largest = np.abs(axes).max(1, keepdims=True)
        return cls(np.rint(axes * (STEPS / largest)).astype(np.int8), gains, thresholds, mean.astype(np.float16))

    @classmethod
    def of_view(cls, values: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> WienerFilter | None:
        """The filter of a view; None where it has none.

        Parameters
        ----------
        values : plain ones of the view
        tensors : that it carries, which have the names of `carried_by`

        Raises
        ------
        DataError, ShapeError  if they are not those of such a view
        """
        found = cls(**tensors) if tensors else None
        check_filter(values, found)
        return found

    def __eq__(self, other: object) -> bool:
        """Whether all arrays are the same."""
        if not isinstance(other, WienerFilter):
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

    def gains_of(self, certainty: np.ndarray | None, count: int) -> np.ndarray:
        """The gains of captions, (count, k) float32.

        Parameters
        ----------
        certainty : (count, 2) float32; None where it is not known
        """
        of = np.zeros(count, np.int64) if certainty is None else classes_of(certainty[:, 0], self.thresholds)
        return self.gains[of].astype(np.float32)

    def clean(self, noisy: np.ndarray, means: np.ndarray, certainty: np.ndarray | None) -> np.ndarray:
        """The twin of the kernel `filter_latents` in NumPy alone.

        Parameters
        ----------
        noisy, means : latents and text means (m, C, h, w) float16
        certainty : (m, 2) float32, of these; None where it is not known

        Returns
        -------
        (m, C, h, w) float16
        """
        from threadpoolctl import threadpool_limits

        count, numbers = len(noisy), len(self.mean)
        around = means.reshape(count, numbers).astype(np.float32) + self.mean.astype(np.float32)
        with threadpool_limits(1, user_api="blas"):
            parts = (noisy.reshape(count, numbers).astype(np.float32) - around) @ self.directions.T
            found = around + (parts * self.gains_of(certainty, count)) @ self.directions
        return rounded(found).reshape(noisy.shape)


def carried_by(values: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the arrays that a view of these plain values carries."""
    return NAMES if values.get("wiener") else ()


def principal_axes(covariance: np.ndarray, components: int) -> np.ndarray:
    """The first principal axes of a covariance (n, n): (components, n), the largest number of each above 0.

    Raises
    ------
    DataError  if none are found
    """
    try:
        _, vectors = np.linalg.eigh(covariance)
    except np.linalg.LinAlgError as error:
        raise DataError(f"a Wiener filter cannot be fitted ({error}); look for huge values in the data.") from error
    axes = vectors.T[::-1][:components].copy()
    # Which of two opposite directions an eigenvector has is an accident of the library.
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])[:, None]
    return axes


def thresholds_of(certainty: np.ndarray) -> np.ndarray:
    """What parts rows (n,) into `CLASSES` of about as many, float16; none where one would have too few."""
    none = np.empty(0, np.float16)
    if not len(certainty):
        return none
    found = np.quantile(certainty, np.arange(1, CLASSES) / CLASSES).astype(np.float16)
    sizes = np.bincount(classes_of(certainty, found), minlength=CLASSES)
    return found if sizes.min() >= LEAST_SHARE * len(certainty) else none


def classes_of(certainty: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The class of each caption, (n,)."""
    return np.searchsorted(thresholds.astype(np.float32), certainty, side="right")


def rounded(estimates: np.ndarray) -> np.ndarray:
    """Numbers as float16, within what that holds."""
    return np.clip(estimates, -LARGEST, LARGEST).astype(np.float16)


def check_filter(values: Mapping[str, Any], found: WienerFilter | None) -> None:
    """Raise `ShapeError` unless a view has the filter that its plain values speak of, for text means that it reads."""
    asked, sides = values.get("wiener", 0), (values.get("height", 0), values.get("width", 0))
    forms = (len(found.axes), found.axes.shape[1]) if found else (0, 0)
    if not asked and any(sides):
        raise ShapeError(
            "a window denoiser without a Wiener filter is for latents of any size, and has no height and no width; got "
            f"{sides[0]} x {sides[1]}."
        )
    blind = found is not None and len(found.thresholds) and not values["certain"]
    if blind:
        raise ShapeError("a filter with gains for several certainties is for a view that is told of certainty.")
    if forms != (asked, values["channels"] * sides[0] * sides[1]) or (asked and not values["text_window"]):
        raise ShapeError(
            f"a window denoiser with a Wiener filter of {asked} components of latents of {sides[0]} x {sides[1]} "
            f"sites reads a window of a text mean and carries such axes; got a text window of {values['text_window']} "
            f"and {forms[0]} axes of {forms[1]} numbers."
        )
