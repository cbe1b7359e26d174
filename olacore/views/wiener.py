"""The Wiener filter of a denoiser of sites: how it is fitted to data, and what it makes of whole noisy latents."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from olacore.errors import ConfigError
from olacore.kernels.wiener import filter_latents
from olacore.media.wiener import MOST_NUMBERS, WienerFilter, rounded

if TYPE_CHECKING:
    from olacore.data import Dataset

logger = logging.getLogger(__name__)

# Rows that are read, and latents that are filtered, at once.
ROWS = 256


def fit_filter(dataset: Dataset, items: np.ndarray, components: int, level: float) -> WienerFilter:
    """Fit a filter to what sets the training latents among some items apart from their text means.

    Parameters
    ----------
    items : that count for the view
    components : principal components that it keeps
    level : of the noise

    Raises
    ------
    ConfigError  if latents are too large, or there are not as many components
    """
    assert dataset.latent_shape is not None
    numbers = int(np.prod(dataset.latent_shape))
    rows = distinct(dataset, np.intersect1d(items, dataset.indices("train")))
    if numbers > MOST_NUMBERS:
        raise ConfigError(
            f"a Wiener filter is for latents of {MOST_NUMBERS} numbers at most; the data's have {numbers}; leave "
            "--wiener out."
        )
    if components > (most := min(numbers, len(rows) - 1)):
        raise ConfigError(
            f"a Wiener filter of {components} components needs latents of as many numbers, and more training pictures "
            f"and captions; there are {numbers} numbers and {len(rows)} pictures; give --wiener {most} at most."
        )
    found = WienerFilter.fit(partial(residuals_of, dataset, rows), components, level)
    logger.info(
        "Wiener filter of %d components of %d numbers, of %d training rows in %d classes of certainty",
        *found.axes.shape,
        len(rows),
        len(found.gains),
    )
    return found


def distinct(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """One row of each picture and caption: others of them differ by their noise alone."""
    captions = ["caption"] if dataset.has("caption") else []
    found = dataset.read(["rows", *captions], rows, checked=False)
    picture = [found["rows"][name] for name in ("source", "pts", "top", "left", "height", "width")]
    keys = np.stack([*picture, *(found[name] for name in captions)], 1, dtype=np.int64)
    return rows[np.sort(np.unique(keys, axis=0, return_index=True)[1])]


def residuals_of(dataset: Dataset, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What `WienerFilter.fit` reads of rows, without those of NaN or inf, which are refused or skipped later."""
    certain = ["certainty"] if dataset.has("certainty") else []
    for start in range(0, len(rows), ROWS):
        found = dataset.read(["latents", "text_means", *certain], rows[start : start + ROWS])
        residuals = found["latents"].astype(np.float64) - found["text_means"]
        residuals = residuals.reshape(len(residuals), -1)
        certainty = found["certainty"][:, 0] if certain else residuals[:, 0]
        finite = np.isfinite(residuals).all(1) & np.isfinite(certainty)
        yield residuals[finite], certainty[finite] if certain else np.empty(0)


def estimates_of(
    wiener_filter: WienerFilter, noisy: np.ndarray, means: np.ndarray, certainty: np.ndarray | None, used: np.ndarray
) -> np.ndarray:
    """What a filter makes of noisy latents: (m, C, h, w) float16.

    Parameters
    ----------
    noisy, means : latents and their text means (m, C, h, w) float16
    certainty : (m, 2) float32; None where it is not known
    used : (k,) items that count; the others are undefined
    """
    out, mean = np.empty(noisy.shape, np.float16), wiener_filter.mean.astype(np.float32)
    for start in range(0, len(used), ROWS):
        some = used[start : start + ROWS]
        gains = wiener_filter.gains_of(None if certainty is None else certainty[some], len(some))
        flat = (array[some].reshape(len(some), -1).astype(np.float32) for array in (noisy, means))
        found = np.empty((len(some), mean.size), np.float32)
        filter_latents(*flat, mean, wiener_filter.directions, gains, found)
        out[some] = rounded(found).reshape(len(some), *noisy.shape[1:])
    return out
