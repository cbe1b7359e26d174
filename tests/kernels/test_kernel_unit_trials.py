from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.unit_trials import change_units, change_units_reference, score_units, score_units_reference
from tests.support.kernel_cases import COMPILED, few, normal, run_with_threads, samples, seeds

units = st.integers(1, 7 if COMPILED else 2)
directions = st.integers(1, 5 if COMPILED else 2)


@dataclass
class Case:
    """A stack's answers W x + V tanh(u) on a block, in float64, and trials of its units."""

    pre: np.ndarray
    readout: np.ndarray
    residual: np.ndarray
    responses: np.ndarray
    weights: np.ndarray

    @classmethod
    def random(cls, seed, g, k, n, scale=1.0, outputs=3):
        rng = np.random.default_rng(seed)
        pre, readout, residual = normal(rng, g, n, scale=scale), normal(rng, outputs, g), normal(rng, outputs, n)
        return cls(pre, readout, residual, normal(rng, k, n, scale=0.3), rng.uniform(0.3, 3, n).astype(np.float32))

    @property
    def roots(self):
        return np.sqrt(self.weights)

    @property
    def active(self):
        return np.tanh(self.pre.astype(np.float64)).astype(np.float32)

    @property
    def known(self):
        """What the kernels read of it: activities, pull, sizes."""
        pull = self.readout.T.astype(np.float64) @ self.residual * self.weights
        sizes = (self.readout.astype(np.float64) ** 2).sum(0)
        return self.active, (pull / self.roots).astype(np.float32), sizes.astype(np.float32)

    def loss(self, unit, moved):
        """The squared error when one unit's pre-activation has moved and nothing else, less that before, in float64."""
        pre = self.pre.astype(np.float64)
        change = np.tanh(pre[unit] + moved) - np.tanh(pre[unit])
        after = self.residual - np.outer(self.readout[:, unit].astype(np.float64), change)
        return ((after**2 - self.residual.astype(np.float64) ** 2) * self.weights).sum()

    def scale(self):
        """Size of the terms that a loss difference is the sum of: float32 rounds by 1e-7 of them."""
        _, pull, sizes = self.known
        return float((np.abs(pull) * self.roots).sum(1).max() + sizes.max() * self.weights.sum()) + 1


def score(case, kernel=score_units):
    active, pull, sizes = case.known
    turns = np.tanh(case.responses)
    fall, bend = np.full((2, len(active), len(turns)), 7, np.float32)
    kernel(active, pull, sizes, turns, case.roots, fall, bend)
    return np.stack([fall, bend])


def change(case, moved, kernel=change_units):
    active, pull, sizes = case.known
    rise, losses = np.full(active.shape, 7, np.float32), np.full(len(active), 7, np.float32)
    kernel(case.pre, active, pull, sizes, case.roots, moved, rise, losses)
    return np.concatenate([rise.ravel(), losses])


@given(seed=seeds, g=units, k=directions, n=samples)
@few
def test_score_units__equals_twin(seed, g, k, n):
    case = Case.random(seed, g, k, n)
    np.testing.assert_allclose(score(case), score(case, score_units_reference), rtol=1e-4, atol=3e-6 * case.scale())


@given(seed=seeds, n=samples)
@few
def test_score_units__are_exact_loss_differences(seed, n):
    """Against changing one unit and computing the squared error of the whole stack anew."""
    case = Case.random(seed, 3, 2, n)
    fall, bend = score(case)
    for unit in range(3):
        for k, response in enumerate(case.responses.astype(np.float64)):
            minus, plus = case.loss(unit, -response), case.loss(unit, response)
            assert fall[unit, k] == pytest.approx(minus - plus, rel=1e-4, abs=3e-6 * case.scale())
            assert bend[unit, k] == pytest.approx(minus + plus, rel=1e-4, abs=3e-6 * case.scale())


@given(seed=seeds, g=units, n=samples)
@few
def test_change_units__equals_twin_and_the_exact_loss_difference(seed, g, n):
    case = Case.random(seed, g, 1, n)
    moved = normal(np.random.default_rng(seed + 1), g, n, scale=0.3)
    got, twin = change(case, moved), change(case, moved, change_units_reference)
    np.testing.assert_allclose(got, twin, rtol=1e-4, atol=3e-6 * case.scale())
    exact = [case.loss(unit, moved[unit].astype(np.float64)) for unit in range(g)]
    np.testing.assert_allclose(got[-g:], exact, rtol=1e-4, atol=3e-6 * case.scale())


@given(seed=seeds, n=samples)
@few
def test_score_units__a_mirrored_direction_mirrors_the_fall(seed, n):
    case = Case.random(seed, 3, 2, n)
    fall, bend = score(case)
    case.responses = -case.responses
    mirrored = score(case)
    np.testing.assert_allclose(mirrored[0], -fall, rtol=1e-4, atol=3e-6 * case.scale())
    np.testing.assert_allclose(mirrored[1], bend, rtol=1e-4, atol=3e-6 * case.scale())


def test_score_units__saturated_units_and_trials_change_nothing():
    case = Case.random(0, 3, 2, 40)
    case.pre[:] = 30
    case.responses[:] = [[-30], [30]]  # the trial saturates too: 0 / 0, were it not for TINY
    np.testing.assert_array_equal(score(case), 0)
    np.testing.assert_array_equal(change(case, np.full_like(case.pre, 5)), 0)


@pytest.mark.parametrize("kernel", [score_units, score_units_reference])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_score_units__a_bad_number_spoils_its_own_unit_only(kernel, bad):
    case = Case.random(1, 3, 2, 20)
    clean = score(case, kernel)
    case.pre[1, 7] = np.nan
    hit = score(case, kernel)
    assert np.isnan(hit[:, 1]).all()
    np.testing.assert_array_equal(np.delete(hit, 1, 1), np.delete(clean, 1, 1))
    moved = np.zeros_like(case.pre)
    moved[2, 4] = bad
    losses = change(case, moved)[-3:]
    assert abs(losses[0]) < 1e-4  # it stands still
    assert np.isnan(losses[1])
    assert np.isfinite(losses[2]) == (bad == np.inf)  # tanh of inf is 1


def test_units__same_bits_for_any_number_of_threads():
    case = Case.random(2, 13, 5, 999) if COMPILED else Case.random(2, 2, 2, 9)
    for run in (lambda: score(case), lambda: change(case, case.pre)):
        np.testing.assert_array_equal(run_with_threads(1, run), run_with_threads(2, run))


@pytest.mark.skipif(not COMPILED, reason="it is the compiler that looks at addresses")
@pytest.mark.parametrize("n", [3, 19, 70])
def test_units__same_bits_wherever_the_arrays_lie(n):
    case, rng = Case.random(3, 1, 4, n), np.random.default_rng(0)
    moved = normal(rng, 1, n, scale=0.3)
    expected = score(case), change(case, moved)
    for _ in range(40):
        # Small arrays come one after the other out of the same pool, at changing distances.
        held = [np.empty(size, np.uint8) for size in rng.integers(1, 400, 6)]  # noqa: F841
        again = Case(*(array.copy() for array in vars(case).values()))
        np.testing.assert_array_equal(score(again), expected[0])
        np.testing.assert_array_equal(change(again, moved.copy()), expected[1])
