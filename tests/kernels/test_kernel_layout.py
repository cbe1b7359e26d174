import numpy as np
from hypothesis import given

from olacore.kernels.layout import (
    CHUNK,
    empty_packed,
    pack_rows,
    pack_rows_reference,
    unpack_rows,
    unpack_rows_reference,
)
from tests.support.kernel_cases import few, inputs, normal, samples, seeds


@given(seed=seeds, n=samples, i=inputs)
@few
def test_pack_rows__equals_twin_and_comes_back(seed, n, i):
    x = normal(np.random.default_rng(seed), n, i)
    x.flat[seed % x.size] = np.nan
    packed, expected = empty_packed(n, i), empty_packed(n, i)
    packed[:] = 7
    pack_rows(x, packed)
    pack_rows_reference(x, expected)
    np.testing.assert_array_equal(packed, expected)
    back, expected_back = np.empty_like(x), np.empty_like(x)
    unpack_rows(packed, back)
    unpack_rows_reference(packed, expected_back)
    np.testing.assert_array_equal(back, x)
    np.testing.assert_array_equal(expected_back, x)


def test_empty_packed__is_aligned_and_contiguous():
    for n in (1, CHUNK, CHUNK + 1):
        packed = empty_packed(n, 3)
        assert packed.shape == (-(-n // CHUNK), 3, CHUNK)
        assert packed.ctypes.data % 64 == 0
        assert packed.flags.c_contiguous
        assert packed.flags.writeable
