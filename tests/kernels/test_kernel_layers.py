import numpy as np
from hypothesis import given

from olacore.kernels.layers import append_layer, append_layer_reference
from olacore.kernels.layout import empty_packed, pack_rows_reference
from tests.support.kernel_cases import COMPILED, few, inputs, normal, outputs, run_with_threads, samples, seeds


def run(seed, o, i, n, kernel):
    rng = np.random.default_rng(seed)
    weights, biases, x = normal(rng, o, i, scale=i**-0.5), normal(rng, o, scale=0.1), normal(rng, n, i)
    packed = empty_packed(n, i + o + 1)
    packed[...] = 7
    rows = empty_packed(n, i)
    pack_rows_reference(x, rows)
    packed[:, :i] = rows
    kernel(weights, biases, n, packed)
    return packed


@given(seed=seeds, o=outputs, i=inputs, n=samples)
@few
def test_append_layer__equals_twin_and_writes_its_own_rows_only(seed, o, i, n):
    got, twin = run(seed, o, i, n, append_layer), run(seed, o, i, n, append_layer_reference)
    np.testing.assert_allclose(got, twin, rtol=1e-5, atol=1e-6)
    assert (got[:, i + o] == 7).all()


def test_append_layer__same_bits_for_any_number_of_threads():
    sizes = (0, 13, 9, 999) if COMPILED else (0, 2, 2, 9)
    one = run_with_threads(1, lambda: run(*sizes, append_layer))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: run(*sizes, append_layer)))
