import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.wiener import filter_latents
from tests.support.kernel_cases import COMPILED, few, normal, seeds


def filtered(noisy, means, mean, axes, gains):
    out = np.full(noisy.shape, 7, np.float32)
    filter_latents(noisy, means, mean, axes, gains, out)
    return out


def case(seed, m, n, k):
    rng = np.random.default_rng(seed)
    axes = normal(rng, k, n, scale=n**-0.5)
    return normal(rng, m, n), normal(rng, m, n), normal(rng, n), axes, rng.random((m, k), np.float32)


@given(seed=seeds, m=st.integers(0, 5), n=st.sampled_from([1, 7, 36, 257] if COMPILED else [7]), k=st.integers(1, 9))
@few
def test_filter_latents__equals_numpy(seed, m, n, k):
    noisy, means, mean, axes, gains = case(seed, m, n, k)
    expected = means + mean
    expected = expected + ((noisy - expected) @ axes.T * gains) @ axes
    # Sums of n and of k terms of size 1.
    np.testing.assert_allclose(filtered(noisy, means, mean, axes, gains), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_filter_latents__a_bad_latent_spoils_itself_only(bad):
    noisy, *more = case(0, 4, 19, 3)
    clean = filtered(noisy, *more)
    noisy[2, 18] = bad
    hit = filtered(noisy, *more)
    assert not np.isfinite(hit[2]).any()
    np.testing.assert_array_equal(np.delete(hit, 2, 0), np.delete(clean, 2, 0))


def test_filter_latents__same_bits_alone_and_wherever_the_arrays_lie():
    noisy, means, mean, axes, gains = case(1, 6, 333 if COMPILED else 9, 5)
    together = filtered(noisy, means, mean, axes, gains)
    moved = [np.empty(part.size + 3, np.float32)[3:].reshape(part.shape) for part in (mean, axes)]
    for part, to in zip((mean, axes), moved, strict=True):
        to[...] = part
    for item in range(6):
        some = slice(item, item + 1)
        alone = filtered(noisy[some], means[some], *moved, gains[some])
        np.testing.assert_array_equal(alone[0], together[item])
