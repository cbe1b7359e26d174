"""The linear read-out: packed products, its axes, and the lowest point of its parabola."""

import numpy as np
import pytest

from olacore.kernels.layout import CHUNK, empty_packed, pack_rows_reference
from olacore.strategies.common.readout import (
    LEAST_RESPONSE,
    LINE,
    RIDGE,
    look,
    multiply,
    pack,
    pack_into,
    share_of_change,
    step_along,
)


def normal(seed, *shape):
    return np.random.default_rng(seed).standard_normal(shape, np.float32)


@pytest.mark.parametrize("samples", [1, CHUNK - 1, CHUNK, CHUNK + 3])
def test_pack__is_the_layout_of_the_kernels_and_multiplies(samples):
    rows, weights, biases = normal(0, 3, samples), normal(1, 2, 3), normal(2, 2)
    expected = empty_packed(samples, 3)
    pack_rows_reference(np.ascontiguousarray(rows.T), expected)
    np.testing.assert_array_equal(pack(rows), expected)
    np.testing.assert_allclose(multiply(weights, None, pack(rows), samples), weights @ rows, rtol=1e-5, atol=1e-5)
    full = multiply(weights, biases, pack(rows), samples)
    np.testing.assert_allclose(full, weights @ rows + biases[:, None], rtol=1e-5, atol=1e-5)


def test_pack_into__leaves_the_other_rows_of_a_block_alone():
    block = np.full((2, 5, CHUNK), 7, np.float32)
    pack_into(normal(0, 3, CHUNK + 1), block[:, 2:])
    assert (block[:, :2] == 7).all()
    assert (block[1, 2:, 1:] == 0).all()


def test_look__finds_axes_whose_responses_are_uncorrelated_and_1_where_the_variance_is_large():
    state = {"moments": np.zeros((4, 4)), "features": np.zeros((0, 4), np.float32)}
    rows = normal(0, 4, 4) @ normal(1, 4, 900)
    look(state, rows)
    responses = state["features"].astype(np.float64) @ rows
    variance = np.linalg.eigvalsh(rows @ rows.T / 900)
    np.testing.assert_allclose(responses @ responses.T / 900, np.diag(variance / (variance + RIDGE)), atol=1e-3)
    first = state["moments"].copy()
    look(state, 2 * rows)  # half of what was seen before stays
    np.testing.assert_allclose(state["moments"], 2.5 * first, rtol=1e-4)


def test_step_along__undamped_is_the_lowest_point_along_one_direction():
    residual, response = normal(0, 3, 50), normal(1, 1, 50)
    step = step_along(residual, response, 1.0)
    losses = [np.square(residual - (step + shift) * response).sum(1) for shift in (-0.01, 0, 0.01)]
    assert (losses[1] < losses[0]).all()
    assert (losses[1] < losses[2]).all()
    np.testing.assert_allclose(step_along(residual, response, 0.25), step / 4, rtol=1e-5)
    np.testing.assert_array_equal(step_along(residual, 0 * response, 1.0), 0)


def test_step_along__is_shorter_where_a_response_is_small():
    residual, response = normal(0, 3, 50), normal(1, 1, 50)
    response *= 1 / np.sqrt(np.square(response).mean())
    small = np.float32(0.1) * response
    lowest = (residual * small).sum(1) / np.square(small).sum()
    np.testing.assert_allclose(step_along(residual, small, 1.0)[:, 0], lowest * 0.01 / LEAST_RESPONSE, rtol=1e-4)
    np.testing.assert_allclose(step_along(residual, response, 1.0)[:, 0], lowest / 10, rtol=1e-4)


def test_share_of_change__goes_half_the_way_to_the_lowest_point_at_most():
    residual = normal(0, 3, 50)
    assert share_of_change(residual, residual) == pytest.approx(LINE)
    assert share_of_change(residual, 4 * residual) == pytest.approx(LINE / 4, rel=1e-5)
    assert share_of_change(residual, 0.1 * residual) == 1
    assert share_of_change(residual, -residual) == 0
    assert share_of_change(residual, 0 * residual) == 0
