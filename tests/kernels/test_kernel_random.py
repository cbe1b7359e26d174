import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.random import (
    fill_normal,
    fill_normal_reference,
    fill_uniform,
    fill_uniform_reference,
    philox,
    philox_reference,
)
from tests.support.kernel_cases import COMPILED, few, run_with_threads, seeds

# Known answers of philox4x32-10, file kat_vectors of the authors' Random123: counter, key, result.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text):
    return [np.uint64(int(word, 16)) for word in text.split()]


def fill(kernel, seed, stream, rows, n):
    out = np.full((rows, n), 7, np.float32)
    kernel(seed, stream, out)
    return out


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox__known_answers(counter, key, expected):
    assert [int(word) for word in philox(*words(counter), *words(key))] == [int(word) for word in words(expected)]
    twin = philox_reference(np.array(words(counter))[:, None], tuple(map(int, words(key))))
    np.testing.assert_array_equal(twin[:, 0], words(expected))


@given(seed=seeds, stream=st.integers(0, 2**63 - 1), rows=st.integers(1, 4), n=st.sampled_from([1, 63, 256, 700]))
@few
def test_fill__equals_twin(seed, stream, rows, n):
    expected = np.empty((rows, n), np.float32)
    fill_normal_reference(seed, stream, expected)
    np.testing.assert_allclose(fill(fill_normal, seed, stream, rows, n), expected, rtol=0, atol=3e-6)
    fill_uniform_reference(seed, stream, expected)
    np.testing.assert_array_equal(fill(fill_uniform, seed, stream, rows, n), expected)


@pytest.mark.parametrize("kernel", [fill_normal, fill_uniform])
def test_fill__an_element_depends_on_its_own_place_alone(kernel):
    long = fill(kernel, 3, 9, 3, 600)
    np.testing.assert_array_equal(fill(kernel, 3, 9, 2, 301), long[:2, :301])
    assert not np.isin(fill(kernel, 3, 10, 3, 600), long).mean() > 0.01
    assert not np.isin(fill(kernel, 4, 9, 3, 600), long).mean() > 0.01
    assert not np.isin(long[0], long[1]).mean() > 0.01


@pytest.mark.parametrize("kernel", [fill_normal, fill_uniform])
def test_fill__same_bits_for_any_number_of_threads(kernel):
    one = run_with_threads(1, lambda: fill(kernel, 5, 2, 7, 300))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: fill(kernel, 5, 2, 7, 300)))


@pytest.mark.skipif(not COMPILED, reason="a million numbers take minutes without the JIT")
def test_fill_normal__moments():
    z = fill(fill_normal, 11, 0, 100, 20_000).astype(np.float64)
    # Four standard errors of two million draws.
    assert abs(z.mean()) < 0.003
    assert abs(z.var() - 1) < 0.004
    assert abs((z**4).mean() - 3) < 0.03
    assert abs((z[:, :-1] * z[:, 1:]).mean()) < 0.003
    assert 4.5 < np.abs(z).max() < 6.8


@pytest.mark.skipif(not COMPILED, reason="a million numbers take minutes without the JIT")
def test_fill_uniform__is_even():
    u = fill(fill_uniform, 12, 0, 100, 10_000)
    assert u.min() >= 0
    assert u.max() < 1
    counts = np.histogram(u, 100, (0, 1))[0]
    # The 99.99 % point of chi-square with 99 degrees of freedom.
    assert ((counts - 1e4) ** 2 / 1e4).sum() < 160
