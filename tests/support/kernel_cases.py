"""What the kernel tests share: sizes, arrays, and one run for each number of threads."""

from collections.abc import Callable

import numba
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from olacore.kernels.layout import empty_packed, pack_rows_reference

COMPILED = not numba.config.DISABLE_JIT
# A fixture that only silences NumPy need not be made anew for each example.
few = settings(
    deadline=None,
    max_examples=25 if COMPILED else 2,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
seeds = st.integers(0, 2**32 - 1)
samples = st.sampled_from([1, 2, 17, 255, 256, 257, 521, 1024] if COMPILED else [1, 7])
inputs = st.integers(1, 40 if COMPILED else 6)
outputs = st.integers(1, 7 if COMPILED else 2)
populations = st.integers(1, 9 if COMPILED else 2)


@numba.njit
def quartic(prediction, target):
    """A user's loss, the same for all files, so that a process compiles its kernels once."""
    return (prediction - target) ** 4


def normal(rng: np.random.Generator, *shape: int, scale: float = 1) -> np.ndarray:
    """Normal float32 numbers."""
    return rng.standard_normal(shape, np.float32) * np.float32(scale)


def pack(x: np.ndarray) -> np.ndarray:
    """Plain rows (n, in) in the kernels' layout."""
    out = empty_packed(*x.shape)
    pack_rows_reference(x, out)
    return out


def block(
    seed: int, population: int, outputs: int, inputs: int, samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A random population and block: weights, biases, plain rows, targets (out, n)."""
    rng = np.random.default_rng(seed)
    weights = normal(rng, population, outputs, inputs, scale=inputs**-0.5)
    targets = np.tanh(normal(rng, outputs, samples))
    return weights, normal(rng, population, outputs, scale=0.1), normal(rng, samples, inputs), targets


def run_with_threads(count: int, run: Callable[[], np.ndarray]) -> np.ndarray:
    """A copy of what `run` gives on so many threads."""
    before = numba.get_num_threads()
    numba.set_num_threads(min(count, numba.config.NUMBA_NUM_THREADS))
    try:
        return run().copy()
    finally:
        numba.set_num_threads(before)
