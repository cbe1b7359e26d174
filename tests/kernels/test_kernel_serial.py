"""The one-thread forms that other people's compiled functions call."""

import numba
import numpy as np
import pytest

from olacore import embed
from olacore.kernels import forward, incremental, layers, layout, loss, mutate, random, tanh, trust
from olacore.kernels.forward import forward_population_reference
from olacore.kernels.loss import score_population_reference
from tests.support.kernel_cases import COMPILED, block, normal, pack, quartic

SAMPLES = 600 if COMPILED else 7
WEIGHTS, BIASES, X, TARGETS = block(1, 3, 5, 7, SAMPLES)
PACKED = pack(X)
PARENTS, SIGMA, SOME = np.array([2, 0]), np.full(2, 0.1, np.float32), np.full(2, 0.5, np.float32)
SOURCE = np.arange(15).reshape(3, 5) % 3
TRUST = np.linspace(0, 1, 3, dtype=np.float32)
STEPS = [np.float32(step) for step in (0.1, 0.05, 0)]


def make(*shapes):
    return [np.zeros(shape, np.float32) for shape in shapes]


# Kernel, its module, its arguments, the shapes of what it writes.
CASES = [
    (layout, "pack_rows", (X,), [PACKED.shape]),
    (layout, "unpack_rows", (PACKED,), [X.shape]),
    (tanh, "apply_tanh", (TARGETS.reshape(-1),), [TARGETS.size]),
    (forward, "multiply_packed", (WEIGHTS[0], BIASES[0], PACKED), [(5, SAMPLES)]),
    (forward, "forward_population", (WEIGHTS, BIASES, PACKED), [(3, 5, SAMPLES)]),
    (layers, "append_layer", (WEIGHTS[0], BIASES[0], SAMPLES), [(PACKED.shape[0], 7 + 5, PACKED.shape[2])]),
    (loss, "score_population", (WEIGHTS, BIASES, PACKED, TARGETS), [BIASES.shape]),
    (incremental, "score_directions", (TARGETS, TARGETS, TARGETS[:2], BIASES[0]), [(5, 2, 2)]),
    (mutate, "mutate_population", (WEIGHTS, BIASES, PARENTS, SIGMA, 1, 2), [(2, 5, 7), (2, 5)]),
    (mutate, "mutate_sparse", (WEIGHTS, BIASES, PARENTS, SIGMA, SOME, 1, 2), [(2, 5, 7), (2, 5)]),
    (mutate, "mutate_rank1", (WEIGHTS, BIASES, PARENTS, SIGMA, 1, 2), [(2, 5, 7), (2, 5)]),
    (mutate, "recombine_rows", (WEIGHTS, BIASES, SOURCE), [WEIGHTS.shape, BIASES.shape]),
    (random, "fill_normal", (1, 2), [(3, 70)]),
    (random, "fill_uniform", (1, 2), [(3, 70)]),
    (trust, "update_trust", (TRUST, TRUST, TRUST[::-1].copy(), *STEPS), [3]),
]


def test_serial__every_kernel_is_tested():
    tested = {name for _, name, _, _ in CASES}
    helpers = {"CHUNK", "empty_packed", "mae", "make_huber", "make_score_directions", "make_score_population", "mse"}
    assert tested == set(embed.__all__) - helpers - {"tanh32"}


@pytest.mark.parametrize(("module", "name", "given", "shapes"), [pytest.param(*case, id=case[1]) for case in CASES])
def test_serial__equals_the_parallel_kernel(module, name, given, shapes):
    expected, got = make(*shapes), make(*shapes)
    getattr(module, name)(*given, *expected)
    getattr(embed, name)(*given, *got)
    for one, other in zip(got, expected, strict=True):
        assert other.any()
        # The compiler may add the samples of a chunk in another order.
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_serial__any_loss():
    def twin(p, y):
        return (p - y) ** 4

    expected, got = make(BIASES.shape, BIASES.shape)
    score_population_reference(WEIGHTS, BIASES, PACKED, TARGETS, expected, twin)
    embed.make_score_population(quartic)(WEIGHTS, BIASES, PACKED, TARGETS, got)
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=2e-5)
    pair, here = make((5, 2, 2), (5, SAMPLES))
    embed.make_score_directions(quartic)(here, TARGETS, TARGETS[:2], np.zeros(5, np.float32), pair)
    np.testing.assert_allclose(pair, np.broadcast_to(twin(0, TARGETS).mean(1)[:, None, None], pair.shape), rtol=1e-5)


@numba.njit(parallel=True)
def answer_each(weights, biases, x, targets, losses, out):
    """Genomes apart from each other, from plain rows to losses."""
    packed = embed.empty_packed(x.shape[0], x.shape[1])
    embed.pack_rows(x, packed)
    for p in numba.prange(weights.shape[0]):
        one, its = weights[p : p + 1], biases[p : p + 1]
        embed.score_population(one, its, packed, targets, losses[p : p + 1])
        embed.forward_population(one, its, packed, out[p : p + 1])


@numba.njit
def squash(x):
    return embed.tanh32(x)


def test_serial__inside_somebodys_prange():
    losses, expected_losses, out, expected = make(*[BIASES.shape] * 2, *[(3, 5, SAMPLES)] * 2)
    score_population_reference(WEIGHTS, BIASES, PACKED, TARGETS, expected_losses)
    forward_population_reference(WEIGHTS, BIASES, PACKED, expected)
    answer_each(WEIGHTS, BIASES, X, TARGETS, losses, out)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-4, atol=2e-5)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-5)


def test_serial__tanh_of_one_number():
    for x in normal(np.random.default_rng(0), 20):
        assert abs(squash(x) - np.tanh(np.float64(x))) <= 1.6e-7


@pytest.mark.skipif(not COMPILED, reason="nothing is compiled")
def test_serial__makes_no_threads_and_is_not_kept_on_disk():
    for name in (name for _, name, _, _ in CASES):
        function = getattr(embed, name)
        assert not function.targetoptions.get("parallel")
        assert type(function._cache).__name__ == "NullCache"
