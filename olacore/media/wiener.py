"""The Wiener filter of whole latents around their text means: what a denoiser of sites reads beside its windows.

Where there is much noise, what a latent is beyond its text mean shows in what all sites say together. Of deviations
from the text mean with these principal axes and spreads e, noise of level sigma leaves a share e / (e + sigma^2) of
what is seen along each axis; no linear estimate is better. Text means of captions that are like others are much nearer
to the latents than those that are not, so there are gains of both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from olacore.errors import DataError, ShapeError

# What a module carries of it.
NAMES = ("axes", "gains", "edges", "middle")
# The largest of the levels that an axis is rounded to, and the largest float16.
LEVELS, LARGEST = 127, np.float32(65504)
# Classes of captions, of as many training rows each, by how like they are to the nearest other one.
CLASSES = 2
# Numbers of a latent, whose covariance is in memory several times over.
MOST_NUMBERS = 4096


@dataclass(frozen=True, eq=False)
class Wiener:
    """A filter in some principal axes, as a module's file holds it; what lies beside them all counts as noise.

    Parameters
    ----------
    axes : (k, n) int8, by falling spread; each stands for its direction, of length 1
    gains : (classes, k) float16 in [0, 1], for captions by their certainty, from the least on
    edges : (classes - 1,) float16, the certainty from which on a caption is of the next class
    middle : (n,) float16, the mean of latents less their text means

    Raises
    ------
    DataError  if they do not fit each other
    """

    axes: np.ndarray
    gains: np.ndarray
    edges: np.ndarray
    middle: np.ndarray

    def __post_init__(self) -> None:
        types = [part.dtype for part in self.tensors.values()] == [np.int8, *[np.float16] * 3]
        fits = (self.axes.ndim, self.gains.ndim) == (2, 2) and self.axes.size and self.gains.size
        fits = fits and (self.gains.shape[1:], self.middle.shape) == (self.axes.shape[:1], self.axes.shape[1:])
        if not (types and fits and self.edges.shape == (len(self.gains) - 1,)):
            forms = ", ".join(f"{name} {part.dtype} {part.shape}" for name, part in self.tensors.items())
            raise DataError(
                f"a Wiener filter needs axes (k, n) int8, gains (c, k), edges (c - 1,) and middle (n,); got {forms}."
            )
        if not (self.axes.any(1).all() and np.isfinite(self.middle).all()):
            raise DataError("a Wiener filter needs axes that are not 0, and a finite middle.")
        if not (np.isfinite(self.edges).all() and (np.diff(self.edges) >= 0).all()):
            raise DataError("the edges of a Wiener filter must be finite and rise.")
        if not ((self.gains >= 0) & (self.gains <= 1)).all():
            raise DataError("the gains of a Wiener filter must be 0 to 1.")

    @classmethod
    def fit(cls, rows: Callable[[], Iterable[tuple[np.ndarray, np.ndarray]]], components: int, level: float) -> Wiener:
        """Find the best filter for noise of a level.

        Parameters
        ----------
        rows : gives them part by part, twice: latents less their text means, (m, n) float64, and how near their
            captions are to the nearest other one, (m,), or (0,) where that is not known
        components : principal axes that are kept
        level : of the noise

        Raises
        ------
        DataError  if there are no rows
        """
        from threadpoolctl import threadpool_limits

        count, total, products, near = 0, np.zeros(1), np.zeros((1, 1)), [np.empty(0)]
        with threadpool_limits(1, user_api="blas"):
            for rest, certainty in rows():
                count, total, products = count + len(rest), total + rest.sum(0), products + rest.T @ rest
                near.append(certainty)
            if not count:
                raise DataError("a Wiener filter is fitted to rows, and there are none without NaN or inf.")
            mean = total / count
            found = np.linalg.eigh(products / count - np.outer(mean, mean))[1].T[::-1][:components]
            edges = edges_of(np.concatenate(near))
            sizes, spreads = np.zeros((len(edges) + 1, 1)), np.zeros((len(edges) + 1, len(found)))
            for rest, certainty in rows():
                parts = np.square((rest - mean) @ found.T)
                of = classes_of(certainty, edges) if len(edges) else np.zeros(len(rest), np.int64)
                np.add.at(sizes, of, 1)
                np.add.at(spreads, of, parts)
        spreads /= sizes
        # Which of two opposite directions an eigenvector has is an accident of the library.
        largest = found[np.arange(len(found)), np.abs(found).argmax(1)]
        levels = np.ascontiguousarray(np.rint(found * (LEVELS / largest)[:, None]), np.int8)
        return cls(levels, (spreads / (spreads + level**2)).astype(np.float16), edges, mean.astype(np.float16))

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

    def gains_of(self, certainty: np.ndarray | None, count: int) -> np.ndarray:
        """The gains of captions, (count, k) float32.

        Parameters
        ----------
        certainty : (count, 2) float32; None where it is not known
        """
        of = np.zeros(count, np.int64) if certainty is None else classes_of(certainty[:, 0], self.edges)
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
            found = expected + (parts * self.gains_of(certainty, count)) @ self.directions
        return rounded(found).reshape(noisy.shape)


def edges_of(certainty: np.ndarray) -> np.ndarray:
    """What parts rows (n,) into `CLASSES` of about as many, float16; none where the certainty does not."""
    shares = np.arange(1, CLASSES) / CLASSES
    edges = np.quantile(certainty, shares).astype(np.float16) if len(certainty) else np.empty(0, np.float16)
    found = np.unique(classes_of(certainty, edges))
    return edges if len(found) == CLASSES else np.empty(0, np.float16)


def classes_of(certainty: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The class of each caption, (n,)."""
    return np.searchsorted(edges.astype(np.float32), certainty, side="right")


def rounded(estimates: np.ndarray) -> np.ndarray:
    """Numbers as float16, within what that holds."""
    return np.clip(estimates, -LARGEST, LARGEST).astype(np.float16)


def check_spine(values: Mapping[str, Any], found: Wiener | None) -> None:
    """Raise `ShapeError` unless a view has the filter that its plain values speak of, for text means that it reads."""
    asked, sides = values.get("spine", 0), (values.get("height", 0), values.get("width", 0))
    forms = (len(found.axes), found.axes.shape[1]) if found else (0, 0)
    blind = found is not None and len(found.edges) and not values["certain"]
    if blind:
        raise ShapeError("a filter with gains for several certainties is for a view that is told of certainty.")
    if forms != (asked, values["channels"] * sides[0] * sides[1]) or (asked and not values["text_window"]):
        raise ShapeError(
            f"a window denoiser with a spine of {asked} principal components of latents of {sides[0]} x {sides[1]} "
            f"sites reads a window of a text mean and carries such axes; got a text window of {values['text_window']} "
            f"and {forms[0]} axes of {forms[1]} numbers."
        )
