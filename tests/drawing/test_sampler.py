"""From noise to a latent: what the solvers do where the answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.drawing.sampler import SOLVERS, noise_of, sample

SHAPE = (1, 2, 3, 3)


def best(mean: float, spread: float):
    """The best denoiser of latents that are normal."""

    def denoise(noisy: np.ndarray, level: float) -> np.ndarray:
        return np.float32(mean) + (noisy - np.float32(mean)) * np.float32(spread**2 / (spread**2 + level**2))

    return denoise


@pytest.mark.parametrize("solver", SOLVERS)
@given(st.floats(0.1, 8), st.floats(-2, 2), st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_sample__one_level_is_one_answer(solver, level, mean, seed):
    start, noise = np.full(SHAPE, mean, np.float32), noise_of(seed, SHAPE)
    found = sample(best(mean, 1), start, [level], noise, solver)
    np.testing.assert_array_equal(found, best(mean, 1)(start + np.float32(level) * noise, level))


def test_sample__dpm_comes_nearer_to_the_exact_flow_than_ddim():
    """For normal latents a noisy one shrinks from level s to 0 by spread / sqrt(spread^2 + s^2)."""
    start, noise = np.zeros((1, 1, 100, 100), np.float32), noise_of(0, (1, 1, 100, 100))
    levels = np.geomspace(8, 0.02, 12).tolist()
    exact = 8 * noise / np.sqrt(1 + 8**2)
    off = {solver: np.abs(sample(best(0, 1), start, levels, noise, solver) - exact).max() for solver in SOLVERS}
    assert off["dpm"] < off["ddim"] / 2
    assert off["dpm"] < 0.2


def test_sample__tells_of_every_level():
    told = []
    found = sample(
        best(0, 1), np.zeros(SHAPE, np.float32), [2, 1], noise_of(1, SHAPE), told=lambda *all: told.append(all)
    )
    assert [step[:2] for step in told] == [(0, 2), (1, 2)]
    np.testing.assert_array_equal(told[1][2], found)


def test_noise__is_of_the_seed():
    one = noise_of(3, (1, 4, 30, 30))
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, noise_of(3, (1, 4, 30, 30)))
    assert np.abs(one - noise_of(4, (1, 4, 30, 30))).max() > 1
    assert abs(one.std() - 1) < 0.05
