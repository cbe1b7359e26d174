"""Where the units of a wide stack are born, and the metric of their overlap."""

from __future__ import annotations

import numpy as np
import pytest

from olacore.strategies.wide.seeds import (
    AT_CENTRE,
    JITTER,
    find_centres,
    inverse_of_lower,
    multiply_lower,
    overlap,
    units_at,
    whitening,
)
from tests.support.makers import threads

SAMPLE = np.random.default_rng(0).standard_normal((90, 4)).astype(np.float32)


def draw() -> np.random.Generator:
    return np.random.default_rng(1)


@pytest.mark.parametrize("units", [90, 1000])
def test_centres__are_the_samples_where_there_are_enough_units(units: int) -> None:
    np.testing.assert_array_equal(find_centres(SAMPLE, units, draw()), SAMPLE)


def test_centres__come_nearer_to_the_samples_than_samples_drawn() -> None:
    centres = find_centres(SAMPLE, 12, draw())
    drawn = SAMPLE[draw().choice(90, 12, False)]
    near, far = (np.square(SAMPLE[:, None] - those).sum(2).min(1).mean() for those in (centres, drawn))
    assert near < 0.9 * far
    assert centres.dtype == np.float32


def test_centres__of_equal_samples_are_those_samples() -> None:
    centres = find_centres(np.repeat(SAMPLE[:3], 20, 0), 5, draw())
    assert {tuple(centre) for centre in centres} <= {tuple(sample) for sample in SAMPLE[:3]}


def test_centres__are_the_same_for_any_number_of_threads() -> None:
    with threads(1):
        one = find_centres(SAMPLE, 12, draw())
    with threads(2):
        np.testing.assert_array_equal(find_centres(SAMPLE, 12, draw()), one)


def test_unit__answers_alike_at_its_own_centre() -> None:
    weights, biases = units_at(SAMPLE, 3.0, 4.0)
    np.testing.assert_allclose((weights * SAMPLE).sum(1) + biases, AT_CENTRE, atol=1e-5)


def test_whitening__turns_the_overlap_into_one() -> None:
    white = whitening(overlap(SAMPLE, 3.0, 4.0)).astype(np.float64)
    expected = np.exp(-0.75 * np.square(SAMPLE[:, None] - SAMPLE).sum(2, dtype=np.float64)) + JITTER * np.eye(90)
    np.testing.assert_allclose(white @ expected @ white.T, np.eye(90), atol=1e-4)
    assert not np.triu(white, 1).any()


def test_whitening__survives_units_that_coincide() -> None:
    assert np.isfinite(whitening(overlap(np.repeat(SAMPLE[:2], 30, 0), 1.0, 4.0))).all()


@pytest.mark.parametrize("size", [1, 256, 257, 700])
def test_lower__inverse_and_product_equal_those_of_any_matrix(size: int) -> None:
    lower = np.tril(draw().standard_normal((size, size))) / size**0.5 + 2 * np.eye(size)
    np.testing.assert_allclose(inverse_of_lower(lower), np.linalg.inv(lower), atol=1e-9)
    rows = draw().standard_normal((size, 70)).astype(np.float32)
    np.testing.assert_allclose(multiply_lower(lower.astype(np.float32), rows), lower @ rows, atol=1e-4)
