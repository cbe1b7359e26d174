"""From noise to a latent, level by level: DDIM, and DPM-Solver++ of second order (Lu et al. 2022), for x0 answers.

Noise is added and not mixed: at level sigma a noisy latent is x + sigma * noise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

SOLVERS = ("dpm", "ddim")


def noise_of(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal noise of a seed, float32."""
    return np.random.Generator(np.random.Philox(seed)).standard_normal(shape, np.float32)


def sample(
    denoise: Callable[[np.ndarray, float], np.ndarray],
    start: np.ndarray,
    levels: Sequence[float],
    noise: np.ndarray,
    solver: str = "dpm",
    told: Callable[[int, int, np.ndarray], None] | None = None,
) -> np.ndarray:
    """Pass through noise levels.

    Parameters
    ----------
    denoise : the clean latent that a noisy one at a level leads one to expect
    start : (n, C, h, w) that the noise of the first level is added to
    levels : from high to low
    noise : (n, C, h, w) standard normal
    told : called after each level with its number, how many there are, and the clean latent expected there

    Returns
    -------
    (n, C, h, w) float32, the clean latent expected at the lowest level
    """
    noisy = start + np.float32(levels[0]) * noise
    before: np.ndarray | None = None
    for step, level in enumerate(levels):
        clean = denoise(noisy, level)
        if told is not None:
            told(step, len(levels), clean)
        if step + 1 == len(levels):
            break
        after = levels[step + 1]
        towards = clean
        if solver == "dpm" and before is not None:
            # The straight line through the last two answers, over the logarithm of the level, followed half a step on.
            ratio = np.log(levels[step - 1] / level) / np.log(level / after)
            towards = clean + np.float32(1 / (2 * ratio)) * (clean - before)
        before = clean
        noisy = towards + np.float32(after / level) * (noisy - towards)
    return clean
