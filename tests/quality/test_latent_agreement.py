"""Figures of two sets of latents beside what they are by definition."""

import numpy as np
import pytest

from olacore.errors import ShapeError
from olacore.quality.latent_agreement import LatentAgreement


def latents(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ours and the teacher's of five pictures."""
    rng = np.random.default_rng(seed)
    theirs = rng.normal(0.3, 1, (5, 4, 6, 7)) * np.array([1, 2, 0.5, 1]).reshape(4, 1, 1)
    ours = 0.8 * theirs + rng.normal(0, 0.3, theirs.shape)
    return ours.astype(np.float32), theirs.astype(np.float16)


def added(ours: np.ndarray, theirs: np.ndarray, at_once: int) -> LatentAgreement:
    sums = LatentAgreement()
    for start in range(0, len(ours), at_once):
        sums.add(ours[start : start + at_once], theirs[start : start + at_once])
    return sums


def test_figures__are_what_they_are_called():
    ours, theirs = latents()
    figures = added(ours, theirs, 2).figures()
    x, y = ours.astype(float), theirs.astype(float)
    mean = y.mean((0, 2, 3))
    squared, total = ((x - y) ** 2).sum((0, 2, 3)), ((y - mean[:, None, None]) ** 2).sum((0, 2, 3))
    assert figures["r2_each"] == pytest.approx(1 - squared / total)
    assert figures["l2"] == pytest.approx(squared.sum() / total.sum())
    assert figures["r2"] == pytest.approx(1 - figures["l2"])
    for name, centre in (("cosine", 0), ("cosine_centered", mean[:, None, None])):
        a, b = (x - centre).reshape(5, -1), (y - centre).reshape(5, -1)
        expected = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert figures[name] == pytest.approx(expected.mean())
    for name, values in (("", x), ("teacher_", y)):
        assert figures[f"{name}mean"] == pytest.approx(values.mean((0, 2, 3)))
        assert figures[f"{name}spread"] == pytest.approx(values.std((0, 2, 3)))


def test_figures__do_not_depend_on_the_batches():
    ours, theirs = latents()
    together, alone = (added(ours, theirs, size).figures() for size in (5, 1))
    assert all(together[name] == pytest.approx(alone[name], rel=1e-12) for name in together)


def test_picture_l2__puts_the_worst_first_and_averages_to_l2():
    ours, theirs = latents()
    ours[3] += 2
    sums = added(ours, theirs, 2)
    errors = sums.picture_l2()
    assert errors.argmax() == 3
    assert errors.mean() == pytest.approx(sums.figures()["l2"])


def test_figures__of_latents_that_never_change_are_none():
    theirs = np.ones((1, 2, 1, 1), np.float32)
    figures = added(theirs + 1, theirs, 1).figures()
    assert figures["r2_each"] == [None, None]
    assert figures["r2"] is figures["l2"] is figures["cosine_centered"] is None
    assert figures["cosine"] == pytest.approx(1)


def test_add__refuses_latents_of_two_shapes():
    with pytest.raises(ShapeError, match=r"of one shape are compared; got \(1, 4, 2, 2\) and \(1, 4, 2, 3\)"):
        LatentAgreement().add(np.zeros((1, 4, 2, 2)), np.zeros((1, 4, 2, 3)))
