"""Weights on lattices: how near they come, and that a lattice of a lattice is itself."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.kernels.lattice import from_even_lattice, from_lattice, to_even_lattice, to_lattice

few = settings(max_examples=100, deadline=None, derandomize=True)


def uneven(seed: int, rows: int, columns: int, spread: float) -> np.ndarray:
    """Weights whose rows and columns differ in size."""
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.normal(0, spread, (rows, 1)) + rng.normal(0, spread, columns))
    return (rng.normal(size=(rows, columns)) * sizes).astype(np.float32)


@few
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30), st.sampled_from([0.0, 0.1, 1.0, 3.0]))
def test_to_even_lattice__of_a_lattice_is_itself(seed, rows, columns, spread):
    once = from_even_lattice(*to_even_lattice(uneven(seed, rows, columns, spread)))
    np.testing.assert_array_equal(from_even_lattice(*to_even_lattice(once)), once)


@few
@given(st.integers(0, 10**6), st.integers(1, 30), st.integers(1, 30))
def test_to_even_lattice__errs_by_half_a_step_of_its_column_at_most(seed, rows, columns):
    weights = uneven(seed, rows, columns, 1.0)
    error = np.abs(from_even_lattice(*to_even_lattice(weights)) - weights)
    # A column is half its power of two or more, and settling may round a second time.
    assert (error <= 2.1 * np.abs(weights).max(0) / 127).all()


def test_to_even_lattice__keeps_small_columns_that_the_plain_one_loses():
    weights = uneven(0, 20, 10, 0.0) * np.float32(10) ** np.arange(-6, 4)
    plain, even = from_lattice(*to_lattice(weights)), from_even_lattice(*to_even_lattice(weights))
    assert (plain[:, :4] == 0).all()
    assert np.corrcoef(even[:, 0], weights[:, 0])[0, 1] > 0.999


def test_lattices__leave_zeros_alone():
    weights = np.zeros((3, 4), np.float32)
    weights[1, 2] = 0.3
    for there, back in ((to_lattice, from_lattice), (to_even_lattice, from_even_lattice)):
        np.testing.assert_allclose(back(*there(weights)), weights, rtol=1e-4)
        np.testing.assert_array_equal(back(*there(np.zeros_like(weights))), 0)
