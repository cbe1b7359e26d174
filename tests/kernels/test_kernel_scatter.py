import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.scatter import scatter_patches, scatter_patches_reference
from tests.support.kernel_cases import COMPILED, few, run_with_threads, seeds

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


@few
@given(seeds, st.integers(1, 100 if COMPILED else 4))
def test_scatter_patches__bits_of_a_patch_do_not_depend_on_its_place(seed, piece):
    rng = np.random.default_rng(seed)
    rows, columns = (13, 15) if COMPILED else (2, 3)
    n = rows * columns
    item, site = np.zeros(n, np.int32), rng.permutation(n).astype(np.int32)
    outputs = rng.uniform(-1.5, 1.5, (12, n)).astype(np.float32)
    mean, scale = rng.uniform(-0.2, 0.2, 12).astype(np.float32), rng.uniform(0.5, 1.5, 12).astype(np.float32)
    shape = (1, 2 * rows, 2 * columns, 3)
    parts = np.full(shape, 77, np.uint8)
    for start in range(0, n, piece):
        part = slice(start, start + piece)
        scatter_patches(np.ascontiguousarray(outputs[:, part]), item[part], site[part], 2, mean, scale, parts)
    np.testing.assert_array_equal(parts, scatter(scatter_patches, outputs, item, site, 2, mean, scale, shape))


def test_scatter_patches__rounds_and_clips_every_level():
    values = np.array([-9, -1, 0, 1, 9], np.float32)
    outputs, site = np.tile(values, (3, 1)), np.arange(5, dtype=np.int32)
    mean, scale = np.zeros(3, np.float32), np.ones(3, np.float32)
    got = scatter(scatter_patches, outputs, np.zeros(5, np.int32), site, 1, mean, scale, (1, 1, 5, 3))
    np.testing.assert_array_equal(got[0, 0, :, 1], [0, 0, 128, 255, 255])
