"""Noise that a view adds: fixed by the seed of the stream, the pass and the item, whatever block it comes in.

Rows that a teacher answered have noise of their own, which follows from the seed that is stored with them.
"""

from __future__ import annotations

import numpy as np

from olacore.blocks import RawBlock, noise_of


def normal_like(raw: RawBlock, field: str, use: int = 0) -> np.ndarray:
    """Return standard normal numbers, (m, ...) float32, for every item of a field of a raw block.

    Parameters
    ----------
    use : keeps several draws for the same items apart
    """
    out = np.empty(raw.arrays[field].shape, np.float32)
    for place, index in enumerate(raw.indices.tolist()):
        out[place] = generator(raw.seed, raw.pass_, index, use).standard_normal(out.shape[1:], np.float32)
    return out


def noisy_latents(raw: RawBlock, level: float) -> np.ndarray:
    """Return the noisy latents of a raw block, (m, C, h, w) float16.

    Those that are stored; or the latents with the noise of their rows, where a teacher answered them; or with noise by
    seed, pass and item.

    Parameters
    ----------
    level : what the noise is multiplied with
    """
    arrays = raw.arrays
    if "noisy" in arrays:
        return arrays["noisy"]
    latents = arrays["latents"]
    seeds = arrays.get("noise_seeds")
    noise = normal_like(raw, "latents") if seeds is None else noise_of(seeds, latents.shape[1:])
    noise *= np.float32(level)
    noise += latents
    return noise.astype(np.float16)


def uniform_of(raw: RawBlock, use: int = 0) -> np.ndarray:
    """Return a number in [0, 1) for every item of a raw block, (m,) float64, such as decides its noise level."""
    return np.array([generator(raw.seed, raw.pass_, index, use).random() for index in raw.indices.tolist()])


def generator(seed: int, pass_: int, index: int, use: int) -> np.random.Generator:
    """Return random numbers that depend on nothing else."""
    key = np.array([seed, pass_], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, use, index], np.uint64)))
