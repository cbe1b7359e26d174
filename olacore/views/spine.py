"""The spine of a denoiser of sites: what a Wiener filter makes of whole noisy latents."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from olacore.errors import ConfigError
from olacore.kernels.wiener import filter_latents
from olacore.media.wiener import MOST_NUMBERS, Wiener, rounded

if TYPE_CHECKING:
    from olacore.data import Dataset

# Rows that are read, and latents that are filtered, at once.
ROWS = 256


def fit_spine(dataset: Dataset, items: np.ndarray, components: int, level: float) -> Wiener:
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
    numbers, rows = int(np.prod(dataset.latent_shape)), np.intersect1d(items, dataset.indices("train"))
    if numbers > MOST_NUMBERS:
        raise ConfigError(f"a spine is for latents of {MOST_NUMBERS} numbers at most; the data's have {numbers}.")
    if not components <= min(numbers, len(rows) - 1):
        raise ConfigError(
            f"a spine of {components} principal components needs latents of as many numbers, and more training rows; "
            f"there are {numbers} numbers and {len(rows)} rows."
        )
    return Wiener.fit(partial(rests_of, dataset, rows), components, level)


def rests_of(dataset: Dataset, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """What `Wiener.fit` reads of rows, without those of NaN or inf, which are refused or skipped later."""
    certain = ["certainty"] if dataset.has("certainty") else []
    for start in range(0, len(rows), ROWS):
        found = dataset.read(["latents", "text_means", *certain], rows[start : start + ROWS])
        rest = found["latents"].astype(np.float64) - found["text_means"]
        rest = rest.reshape(len(rest), -1)
        near = found["certainty"][:, 0] if certain else rest[:, 0]
        finite = np.isfinite(rest).all(1) & np.isfinite(near)
        yield rest[finite], near[finite] if certain else np.empty(0)


def estimates(
    wiener: Wiener, noisy: np.ndarray, means: np.ndarray, certainty: np.ndarray | None, used: np.ndarray
) -> np.ndarray:
    """Text means and, as more channels, what a filter makes of noisy latents: (m, 2C, h, w) float16.

    Parameters
    ----------
    noisy, means : (m, C, h, w) float16
    certainty : (m, 2) float32; None where it is not known
    used : (k,) items that count; the others are undefined
    """
    count, channels, *sides = noisy.shape
    out = np.empty((count, 2 * channels, *sides), np.float16)
    middle = wiener.middle.astype(np.float32)
    for start in range(0, len(used), ROWS):
        some = used[start : start + ROWS]
        gains = wiener.gains_of(None if certainty is None else certainty[some], len(some))
        flat = (array[some].reshape(len(some), -1).astype(np.float32) for array in (noisy, means))
        found = np.empty((len(some), middle.size), np.float32)
        filter_latents(*flat, middle, wiener.directions, gains, found)
        out[some, :channels] = means[some]
        out[some, channels:] = rounded(found).reshape(len(some), channels, *sides)
    return out
