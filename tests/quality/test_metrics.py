"""Figures of quality, against their formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.quality.metrics import Metrics, cosines, split_items

few = settings(max_examples=25, deadline=None, derandomize=True)
outputs, items, rows = st.integers(1, 6), st.integers(1, 5), st.integers(1, 7)
seeds = st.integers(0, 999)


def case(seed: int, out: int, count: int, each: int) -> tuple[np.ndarray, ...]:
    """Predictions and targets (out, count * each), mean and scale (out,)."""
    rng = np.random.default_rng(seed)
    target = rng.normal(0.1, 0.5, (out, count * each)).astype(np.float32)
    guess = (target + rng.normal(0, 0.3, target.shape)).astype(np.float32)
    mean, scale = rng.normal(0, 0.1, out), rng.uniform(0.5, 2, out)
    return guess, target, mean.astype(np.float32), scale.astype(np.float32)


def figures_of(guess, target, mean, scale, count, pixels=False):
    metrics = Metrics(mean, pixels)
    metrics.add(guess, target, count)
    return metrics.figures()


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.ravel() @ b.ravel() / np.linalg.norm(a) / np.linalg.norm(b))


@few
@given(seeds, outputs, items, rows)
def test_figures__follow_their_formulas(seed, out, count, each):
    guess, target, mean, scale = (a.astype(np.float64) for a in case(seed, out, count, each))
    found = figures_of(guess, target, mean, scale, count)
    error, about = guess - target, target - mean[:, None]
    assert found["loss"] == pytest.approx((error**2).mean())
    assert found["l2"] == pytest.approx((error**2).sum() / (about**2).sum())
    assert found["r2"] == pytest.approx(1 - found["l2"])
    assert found["r2_each"] == pytest.approx(1 - (error**2).sum(1) / (about**2).sum(1))
    pairs = [(guess[:, i * each : (i + 1) * each], target[:, i * each : (i + 1) * each]) for i in range(count)]
    assert found["cosine"] == pytest.approx(np.mean([cosine(a, b) for a, b in pairs]))
    centred = [(a - mean[:, None], b - mean[:, None]) for a, b in pairs]
    assert found["cosine_centered"] == pytest.approx(np.mean([cosine(a, b) for a, b in centred]))
    assert "psnr" not in found


@few
@given(seeds, items, rows)
def test_figures__psnr_is_the_mean_over_pictures_of_clipped_pixels(seed, count, each):
    guess, target, mean, scale = case(seed, 12, count, each)
    guess, target = 2 * guess, np.clip(target, -1, 1)
    found = figures_of(guess, target, mean, scale, count, pixels=True)
    wrong = split_items(np.clip(guess, -1, 1).astype(np.float64) - target, count)
    # In pixels of 0 to 255 the peak is 255; in [-1, 1] that is 2.
    levels = ((127.5 * wrong) ** 2).mean((0, 2))
    assert found["psnr"] == pytest.approx((10 * np.log10(255**2 / levels)).mean())


@few
@given(seeds, outputs, st.integers(2, 6), rows)
def test_figures__do_not_depend_on_how_items_are_counted_together(seed, out, count, each):
    guess, target, mean, scale = case(seed, out, count, each)
    together = figures_of(guess, target, mean, scale, count, pixels=True)
    apart = Metrics(mean, pixels=True)
    for i in range(count):
        part = slice(i * each, (i + 1) * each)
        apart.add(guess[:, part], target[:, part])
    for name, value in apart.figures().items():
        assert value == pytest.approx(together[name])


@few
@given(seeds, outputs, items, rows)
def test_figures__of_a_perfect_answer(seed, out, count, each):
    _, target, mean, scale = case(seed, out, count, each)
    found = figures_of(target, target, mean, scale, count)
    assert (found["loss"], found["l2"], found["r2"]) == (0, 0, 1)
    assert found["cosine"] == pytest.approx(1)
    assert found["cosine_centered"] == pytest.approx(1)


def test_figures__of_the_mean_are_the_zero_of_the_scale():
    _, target, mean, scale = case(1, 4, 3, 5)
    found = figures_of(np.broadcast_to(mean[:, None], target.shape), target, mean, scale, 3)
    assert found["r2"] == 0
    assert found["l2"] == 1
    assert found["cosine_centered"] == 0


@few
@given(seeds, outputs, items, rows, st.floats(0.1, 10))
def test_figures__scaling_data_and_answer_changes_the_loss_alone(seed, out, count, each, factor):
    guess, target, mean, scale = (a.astype(np.float64) for a in case(seed, out, count, each))
    before = figures_of(guess, target, mean, scale, count)
    after = figures_of(factor * guess, factor * target, factor * mean, scale, count)
    assert after["loss"] == pytest.approx(factor**2 * before["loss"], rel=1e-5)
    for name in ("r2", "l2", "cosine", "cosine_centered"):
        assert after[name] == pytest.approx(before[name], rel=1e-5)


def test_figures__a_perfect_picture_has_a_finite_psnr():
    _, target, mean, scale = case(2, 3, 2, 2)
    target = np.clip(target, -1, 1)
    assert figures_of(target, target, mean, scale, 2, pixels=True)["psnr"] == 100


def test_figures__of_many_outputs_leave_single_ones_out():
    assert "r2_each" in figures_of(*case(3, 64, 1, 2), 1)
    assert "r2_each" not in figures_of(*case(3, 65, 1, 2), 1)


def test_cosines__of_a_zero_vector_are_zero():
    zeros = np.zeros((2, 4))
    np.testing.assert_array_equal(cosines(zeros, np.ones((2, 4)), 2), [0, 0])
