import numpy as np
from hypothesis import given

from olacore.kernels.trust import update_trust, update_trust_reference
from tests.support.kernel_cases import few, populations, seeds

UP, DOWN, EPSILON = np.float32(0.01), np.float32(0.005), np.float32(1e-3)


def update(trust, loss, previous):
    out = np.full_like(trust, 7)
    update_trust(trust, loss, previous, UP, DOWN, EPSILON, out)
    return out


@given(seed=seeds, p=populations)
@few
def test_update_trust__equals_twin(seed, p):
    rng = np.random.default_rng(seed)
    trust = rng.uniform(-0.01, 1.01, p).astype(np.float32).clip(0, 1)
    loss, previous = rng.choice(np.array([0, 1, 1.0005, np.inf, np.nan], np.float32), (2, p))
    expected = np.empty_like(trust)
    update_trust_reference(trust, loss, previous, UP, DOWN, EPSILON, expected)
    np.testing.assert_array_equal(update(trust, loss, previous), expected)


def test_update_trust__up_down_still_and_clipped():
    trust = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.995, 0.001], np.float32)
    loss = np.array([0.9, 1.1, 1.0005, np.nan, np.inf, 0, 2], np.float32)
    expected = np.array([0.51, 0.495, 0.5, 0.5, 0.495, 1, 0], np.float32)
    np.testing.assert_allclose(update(trust, loss, np.ones(7, np.float32)), expected, rtol=1e-6)
