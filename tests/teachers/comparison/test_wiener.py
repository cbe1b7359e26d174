"""Closed forms beside what is known by construction."""

import numpy as np
import pytest

from teachers.comparison.wiener import TextMean, Wiener, share_left

ONE = np.ones(3)


def test_wiener__leaves_what_a_gaussian_of_known_variances_leaves():
    random = np.random.default_rng(0)
    variances, sigma = np.array([4.0, 1.0, 0.25]), 1.0
    turn = np.linalg.qr(random.standard_normal((3, 3)))[0]
    train, test = (random.standard_normal((40_000, 3)) * np.sqrt(variances) @ turn.T + 5 for _ in range(2))
    wiener = Wiener.fit(train)
    found = wiener.clean(test + sigma * random.standard_normal(test.shape), sigma)
    wanted = (variances * sigma**2 / (variances + sigma**2)).sum() / variances.sum()
    # Both are means over 40,000 rows: a standard error of under 1 %.
    assert share_left(found, test, wiener.mean, ONE) == pytest.approx(wanted, rel=0.03)
    assert share_left(np.broadcast_to(wiener.mean, test.shape), test, wiener.mean, ONE) == 1


def test_wiener__with_fewer_rows_than_numbers_keeps_their_span():
    rows = np.random.default_rng(0).standard_normal((5, 12))
    wiener = Wiener.fit(rows)
    assert wiener.basis.shape == (12, 4)
    np.testing.assert_allclose(wiener.basis.T @ wiener.basis, np.eye(4), atol=1e-9)
    np.testing.assert_allclose(wiener.clean(rows, 1e-9), rows, atol=1e-6)


def test_wiener__around_a_mean_that_is_right_trusts_nothing_else():
    rows = np.random.default_rng(0).standard_normal((20, 3))
    sure = Wiener.fit(rows).around(rows, rows)
    np.testing.assert_allclose(sure.clean(rows + 1, 1.0, rows), rows)


def test_text_mean__left_out_is_what_the_others_tell():
    random = np.random.default_rng(0)
    embeddings, latents = random.standard_normal((9, 4)), random.standard_normal((9, 3))
    axes = Wiener.fit(latents).basis
    text = TextMean.fit(embeddings, latents, axes)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    kernel = np.exp(2 * text.width * (units @ units.T - 1))
    for row in range(9):
        others = np.arange(9) != row
        solved = np.linalg.solve(kernel[np.ix_(others, others)] + text.ridge * np.eye(8), (latents - text.mean)[others])
        np.testing.assert_allclose(text.left_out[row], text.mean + kernel[row, others] @ solved)
    np.testing.assert_allclose(text.of(3 * embeddings), text.mean + kernel @ text.weights)


def test_text_mean__tells_what_captions_decide():
    random = np.random.default_rng(0)
    embeddings = random.standard_normal((400, 3))
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    latents = np.tanh(units @ random.standard_normal((3, 5)))
    text = TextMean.fit(embeddings[:300], latents[:300], np.eye(5))
    assert share_left(text.of(embeddings[300:]), latents[300:], text.mean, np.ones(5)) < 0.01
