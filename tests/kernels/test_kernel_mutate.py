import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from olacore.kernels.mutate import (
    mutate_population,
    mutate_population_reference,
    mutate_rank1,
    mutate_rank1_reference,
    mutate_sparse,
    mutate_sparse_reference,
    recombine_rows,
    recombine_rows_reference,
)
from tests.support.kernel_cases import COMPILED, few, normal, outputs, populations, run_with_threads, seeds

inputs = st.sampled_from([1, 5, 255, 256, 300] if COMPILED else [1, 5])
FORMS = {
    "gaussian": (mutate_population, mutate_population_reference),
    "sparse": (mutate_sparse, mutate_sparse_reference),
    "rank-1": (mutate_rank1, mutate_rank1_reference),
}


def population(seed, p, o, i):
    rng = np.random.default_rng(seed)
    return normal(rng, p, o, i), normal(rng, p, o), rng.integers(0, p, p + 1), np.abs(normal(rng, p + 1))


def children(function, name, weights, biases, parents, sigma, seed=3, generation=8, chance=0.4):
    """Weights and biases of the children as one array (children, out, in + 1)."""
    chances = (np.full(len(sigma), chance, np.float32),) if name == "sparse" else ()
    out_weights = np.full((len(parents), *weights.shape[1:]), 7, np.float32)
    out_biases = np.full(out_weights.shape[:2], 7, np.float32)
    function(weights, biases, parents, sigma, *chances, seed, generation, out_weights, out_biases)
    return np.concatenate([out_weights, out_biases[..., None]], 2)


def whole(weights, biases, parents):
    return np.concatenate([weights, biases[..., None]], 2)[parents]


@pytest.mark.parametrize("name", FORMS)
@given(seed=seeds, generation=st.integers(0, 2**31 - 1), p=populations, o=outputs, i=inputs)
@few
def test_mutate__equals_twin(name, seed, generation, p, o, i):
    case = population(seed, p, o, i)
    kernel, twin = FORMS[name]
    expected = children(twin, name, *case, seed, generation)
    # Two normal numbers, each off by 3e-6 at most, times each other and a sigma of up to 4.
    np.testing.assert_allclose(children(kernel, name, *case, seed, generation), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", FORMS)
def test_mutate__a_mutation_and_its_mirror_cancel(name):
    weights, biases, parents, sigma = population(1, 4, 3, 20)
    kernel = FORMS[name][0]
    plus = children(kernel, name, weights, biases, parents, sigma)
    minus = children(kernel, name, weights, biases, parents, -sigma)
    np.testing.assert_allclose(plus / 2 + minus / 2, whole(weights, biases, parents), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", FORMS)
def test_mutate__zero_sigma_copies_the_parent(name):
    weights, biases, parents, sigma = population(2, 4, 3, 20)
    copy = children(FORMS[name][0], name, weights, biases, parents, 0 * sigma)
    np.testing.assert_array_equal(copy, whole(weights, biases, parents))


@pytest.mark.parametrize("name", FORMS)
def test_mutate__every_seed_generation_and_genome_draws_its_own(name):
    weights, biases, _, _ = population(3, 2, 3, 20)
    case = (np.zeros_like(weights), np.zeros_like(biases), np.zeros(2, np.int64), np.ones(2, np.float32))
    kernel = FORMS[name][0]
    base = children(kernel, name, *case, seed=3, generation=8)
    others = [children(kernel, name, *case, seed=4), children(kernel, name, *case, generation=9), base[::-1]]
    for other in others:
        assert (base == other)[base != 0].mean() < 0.05


@pytest.mark.parametrize("name", FORMS)
def test_mutate__same_bits_for_any_number_of_threads(name):
    case = population(4, 7, 5, 40 if COMPILED else 5)
    kernel = FORMS[name][0]
    one = run_with_threads(1, lambda: children(kernel, name, *case))
    np.testing.assert_array_equal(one, run_with_threads(2, lambda: children(kernel, name, *case)))


@pytest.mark.parametrize(("chance", "low", "high"), [(0, 0, 0), (0.25, 0.2, 0.3), (1, 1, 1)])
def test_mutate_sparse__changes_its_share_of_elements(chance, low, high):
    weights, biases, parents, sigma = population(5, 10, 10, 40)
    changed = children(mutate_sparse, "sparse", weights, biases, parents, sigma + 1, chance=chance)
    assert low <= (changed != whole(weights, biases, parents)).mean() <= high


def test_mutate_rank1__change_has_rank_one():
    weights, biases, parents, sigma = population(6, 3, 5, 20)
    change = children(mutate_rank1, "rank-1", weights, biases, parents, sigma + 1) - whole(weights, biases, parents)
    assert (np.linalg.matrix_rank(change, tol=1e-4) == 1).all()


@given(seed=seeds, p=populations, o=outputs, i=inputs)
@few
def test_recombine_rows__equals_twin(seed, p, o, i):
    weights, biases, _, _ = population(seed, p, o, i)
    weights.flat[seed % weights.size] = np.nan
    source = np.random.default_rng(seed).integers(0, p, (p + 1, o))
    results = []
    for function in (recombine_rows, recombine_rows_reference):
        out_weights, out_biases = np.empty((p + 1, o, i), np.float32), np.empty((p + 1, o), np.float32)
        function(weights, biases, source, out_weights, out_biases)
        results.append(np.concatenate([out_weights, out_biases[..., None]], 2))
    np.testing.assert_array_equal(*results)
