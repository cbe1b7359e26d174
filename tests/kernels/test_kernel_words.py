import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.words import hash_words, hash_words_reference
from tests.support.kernel_cases import COMPILED, few, run_with_threads

texts = st.lists(st.text(max_size=40 if COMPILED else 8), min_size=1, max_size=5)
BUCKETS = 61


def as_bytes(some: list[str]) -> np.ndarray:
    packed = np.array([text.encode("utf-8", "replace") for text in some])
    packed = packed.astype(f"S{max(packed.dtype.itemsize, 1)}")
    return packed.view(np.uint8).reshape(len(some), -1)


def hashed(some: list[str], buckets: int = BUCKETS) -> np.ndarray:
    out = np.full((len(some), buckets), 7, np.float32)
    hash_words(as_bytes(some), out)
    return out


@given(some=texts)
@few
def test_hash_words__equals_twin(some):
    expected = np.empty((len(some), BUCKETS), np.float32)
    hash_words_reference(as_bytes(some), expected)
    # Some hundred features are added in float32, and divided by their length.
    np.testing.assert_allclose(hashed(some), expected, atol=1e-4)


def test_hash_words__is_the_same_for_ever():
    found = hashed(["A red heart"])[0]
    places = np.flatnonzero(np.abs(found) > 0.3)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    assert places.tolist() == [6, 18, 23, 31, 46]
    np.testing.assert_allclose(
        found[places],
        [-0.3688499927520752, -0.3688499927520752, 0.3688499927520752, -0.3688499927520752, 0.3688499927520752],
        atol=1e-5,
    )


def test_hash_words__minds_words_and_their_order_and_nothing_else():
    found = hashed(["a red heart", "A  Red-HEART!", "heart red a", "", "?!", "herz", "heart", "hearts"], 4096)
    np.testing.assert_array_equal(found[0], found[1])
    assert 0.5 < found[0] @ found[2] < 0.9
    assert not found[3:5].any()
    assert found[6] @ found[5] < 0.3 < found[6] @ found[7]


def test_hash_words__ignores_the_number_of_threads():
    some = [f"text {k} of many" for k in range(50)]
    outs = [run_with_threads(count, lambda: hashed(some)) for count in (1, 2)]
    np.testing.assert_array_equal(*outs)
