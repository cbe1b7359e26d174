"""Closed forms that a denoiser of captioned latents is measured beside: the Wiener filter, and a mean told by the text.

A latent is a row of F numbers, a noisy one is `latent + sigma * noise`. All of it is fitted to training rows, in NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

# What the kernel's width and ridge are chosen from, by the error of each training row left out.
WIDTHS, RIDGES = (2.0, 4.0), (0.03, 0.1, 0.3)
# Training captions that become units: the kernel has so many rows and columns.
MOST = 4096
# Principal components that the choice looks at.
LOOKED_AT = 64


@dataclass(frozen=True)
class Wiener:
    """The best affine denoiser in one basis that all noise levels share: one gain a component and level.

    Parameters
    ----------
    mean : (F,) of the latents
    basis : (F, k) principal axes in its columns; what lies outside of them is taken as noise
    variances : (k,) along them, of what is left once the mean is known
    """

    mean: np.ndarray
    basis: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(cls, latents: np.ndarray) -> Self:
        """Fit to latents (n, F)."""
        mean = latents.mean(0, dtype=np.float64)
        rows = latents - mean
        wide = rows.shape[1] > len(rows)
        values, axes = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
        kept = values > 1e-9 * max(float(values[-1]), 1e-300)
        values, axes = values[kept][::-1], axes[:, kept][:, ::-1]
        return cls(mean, rows.T @ axes / np.sqrt(values) if wide else axes, values / len(rows))

    def around(self, latents: np.ndarray, means: np.ndarray) -> Self:
        """The same basis for latents (n, F) of which a mean (n, F) of their own is known, such as what text tells."""
        return replace(self, variances=(((latents - means) @ self.basis) ** 2).mean(0))

    def clean(self, noisy: np.ndarray, sigma: float, means: np.ndarray | None = None) -> np.ndarray:
        """The clean latents of noisy ones (n, F); `means` (n, F) are their own, where they are known."""
        centre = self.mean if means is None else means
        gains = self.variances / (self.variances + sigma**2)
        return centre + ((noisy - centre) @ self.basis * gains) @ self.basis.T


@dataclass(frozen=True)
class TextMean:
    """The latent that captions tell: kernel ridge regression whose units are training captions.

    The kernel of two embeddings of unit length is `exp(2 width (e . c - 1))`.

    Parameters
    ----------
    units : (m, E) embeddings of unit length
    weights : (m, F) read-out
    mean : (F,) of the latents
    width, ridge : chosen by what is left of training rows that are left out, each from `WIDTHS` and `RIDGES`
    rows : (m,) which training rows are units
    left_out : (m, F) what is told for each of them by all the others
    """

    units: np.ndarray
    weights: np.ndarray
    mean: np.ndarray
    width: float
    ridge: float
    rows: np.ndarray
    left_out: np.ndarray

    @classmethod
    def fit(cls, embeddings: np.ndarray, latents: np.ndarray, axes: np.ndarray) -> Self:
        """Fit to embeddings (n, E) and latents (n, F); `axes` (F, k) are the latents' principal ones, in order."""
        rows = np.unique(np.linspace(0, len(latents) - 1, min(MOST, len(latents))).round().astype(np.int64))
        units, mean = unit_length(embeddings[rows]), latents.mean(0, dtype=np.float64)
        centred = latents[rows] - mean
        main = centred @ axes[:, :LOOKED_AT]
        best, width, ridge = np.inf, WIDTHS[0], RIDGES[0]
        inverse: np.ndarray = np.zeros((len(rows), len(rows)))
        for tried in WIDTHS:
            kernel = kernel_of(units, units, tried)
            for penalty in RIDGES:
                found = np.linalg.inv(kernel + penalty * np.eye(len(rows)))
                error = float((((found @ main) / np.diag(found)[:, None]) ** 2).mean())
                if error < best:
                    best, width, ridge, inverse = error, tried, penalty, found
        weights = inverse @ centred
        left_out = latents[rows] - weights / np.diag(inverse)[:, None]
        return cls(units, weights, mean, width, ridge, rows, left_out)

    def of(self, embeddings: np.ndarray) -> np.ndarray:
        """The latents (n, F) that embeddings (n, E) tell."""
        return self.mean + kernel_of(unit_length(embeddings), self.units, self.width) @ self.weights


def kernel_of(embeddings: np.ndarray, units: np.ndarray, width: float) -> np.ndarray:
    """How alike embeddings (n, E) and units (m, E) are, (n, m) in (0, 1]; all of unit length."""
    return np.exp(2 * width * (embeddings @ units.T - 1))


def unit_length(embeddings: np.ndarray) -> np.ndarray:
    """Embeddings (n, E) at length 1, in float64."""
    vectors = embeddings.astype(np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def share_left(found: np.ndarray, latents: np.ndarray, mean: np.ndarray, deviations: np.ndarray) -> float:
    """What is left of the variance of latents (n, F): 1 where the mean is predicted.

    Parameters
    ----------
    found : (n, F) what was predicted
    mean, deviations : (F,) of the training rows; errors count in units of the latter
    """
    left = (((found - latents) / deviations) ** 2).sum()
    return float(left / max((((mean - latents) / deviations) ** 2).sum(), 1e-300))
