import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_cases import COMPILED, few, run_with_threads, seeds

from olacore.kernels.scatter import scatter_patches, scatter_patches_reference

sizes = st.sampled_from([1, 3, 8] if COMPILED else [1, 3])
sides = st.integers(1, 5 if COMPILED else 2)


def scatter(function, outputs, item, site, size, mean, scale, shape):
    frames = np.full(shape, 77, np.uint8)
    function(outputs, item, site, size, mean, scale, frames)
    return frames


@few
@given(seeds, sizes, sides, sides)
def test_scatter_patches__equals_twin(seed, size, rows, columns):
    rng = np.random.default_rng(seed)
    sites = rows * columns
    some = rng.permutation(2 * sites)[: max(1, sites)]
    item, site = (part.astype(np.int32) for part in np.divmod(some, sites))
    outputs = rng.uniform(-1.5, 1.5, (size * size * 3, len(some))).astype(np.float32)
    mean = rng.uniform(-0.2, 0.2, len(outputs)).astype(np.float32)
    scale = rng.uniform(0.5, 1.5, len(outputs)).astype(np.float32)
    arguments = (outputs, item, site, size, mean, scale, (2, rows * size, columns * size, 3))
    got = scatter(scatter_patches, *arguments)
    # A value half-way between two levels may round either way in float32.
    assert np.abs(got.astype(int) - scatter(scatter_patches_reference, *arguments)).max() <= 1
    for threads in (1, 2):
        np.testing.assert_array_equal(run_with_threads(threads, lambda: scatter(scatter_patches, *arguments)), got)
