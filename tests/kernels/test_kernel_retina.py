import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.retina import project_frames, project_frames_reference
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, seeds

sides = st.sampled_from([1, 2, 7, 8, 33, 100])


def case(seed, pictures, height, width, cells, samples):
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (pictures, height, width, 3), np.uint8)
    rows, columns = (rng.random((cells, samples), np.float32) for _ in range(2))
    return frames, rows, columns, normal(rng, cells, 3)


def project(frames, rows, columns, colours, kernel=project_frames):
    out = np.full((len(frames), len(colours)), 9, np.float32)
    kernel(frames, rows, columns, colours, out)
    return out


@given(seed=seeds, m=st.integers(1, 3), height=sides, width=sides, cells=st.integers(1, 9), n=st.integers(1, 40))
@few
def test_project_frames__equals_twin(seed, m, height, width, cells, n):
    arrays = case(seed, m, height, width, cells, n)
    # Sums of bytes are exact; only the last products round.
    np.testing.assert_allclose(project(*arrays), project(*arrays, project_frames_reference), rtol=1e-5, atol=1e-6)


@given(seed=seeds, cells=st.integers(2, 9))
@few
def test_project_frames__permuted_cells_permute_the_answer(seed, cells):
    frames, *retina = case(seed, 2, 12, 9, cells, 20)
    order = np.random.default_rng(seed).permutation(cells)
    np.testing.assert_array_equal(
        project(frames, *(part[order] for part in retina)), project(frames, *retina)[:, order]
    )


@given(seed=seeds, n=st.integers(1, 30))
@few
def test_project_frames__the_order_of_samples_is_immaterial(seed, n):
    frames, rows, columns, colours = case(seed, 1, 20, 30, 3, n)
    order = np.random.default_rng(seed).permutation(n)
    shuffled = project(frames, rows[:, order], columns[:, order], colours)
    np.testing.assert_array_equal(shuffled, project(frames, rows, columns, colours))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_project_frames__a_bad_colour_spoils_its_own_cell_only(bad):
    frames, rows, columns, colours = case(1, 2, 8, 8, 4, 6)
    clean = project(frames, rows, columns, colours)
    colours[2, 1] = bad
    hit = project(frames, rows, columns, colours)
    assert not np.isfinite(hit[:, 2]).any()
    np.testing.assert_array_equal(np.delete(hit, 2, 1), np.delete(clean, 2, 1))


def test_project_frames__same_bits_for_any_number_of_threads():
    arrays = case(5, 3, 64, 48, 65 if COMPILED else 3, 128 if COMPILED else 4)
    one = run_with_threads(1, lambda: project(*arrays))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: project(*arrays)))
