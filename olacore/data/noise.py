"""The noise of rows that keep the seed of theirs, in place of the noise itself."""

from __future__ import annotations

import numpy as np


def noise_of(seeds: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the standard normal noise of some rows: (m, ...) float32.

    Parameters
    ----------
    seeds : (m,) uint64, one a row
    shape : of the noise of a row
    """
    out = np.empty((len(seeds), *shape), np.float32)
    for place, seed in enumerate(seeds.tolist()):
        out[place] = np.random.Generator(np.random.Philox(key=seed)).standard_normal(shape, np.float32)
    return out
