"""Ask and tell."""

from __future__ import annotations

import re
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.errors import ConfigError, DataError, FileFormatError, SearchError, ShapeError
from olacore.fitness import GENOME_STRATEGIES, Evolution, Layout, Population
from olacore.fitness.strategies import cma, full, low_rank, separable
from olacore.fitness.strategies.base import logarithmic, normal, shared_by_ties

STRATEGIES = list(GENOME_STRATEGIES)
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
GOAL = np.linspace(-1, 1, 6, dtype=np.float32)


def fitness_of(genomes):
    return -((genomes - GOAL) ** 2).sum(1)


def advance(search, generations, fitness=fitness_of):
    for _ in range(generations):
        search.tell(fitness(search.ask().genomes))
    return search


@every_strategy
def test_evolution__comes_near_the_goal(strategy):
    search = advance(Evolution(size=6, strategy=strategy, seed=1), 300)
    assert search.best[1] > -0.05
    assert fitness_of(search.centre[None])[0] > -0.05


def test_evolution__low_rank_and_full_learn_a_valley_that_lies_across_all_numbers():
    """Steep across all directions but one, which no number follows alone; what keeps its shape crawls along it."""
    along = np.ones(6, np.float32) / np.sqrt(6)

    def fitness(genomes):
        apart = genomes - GOAL
        return 999 * (apart @ along) ** 2 - 1000 * (apart**2).sum(1)

    start = 30 * along
    learned, whole, plain = (
        advance(Evolution(size=6, seed=3, strategy=name, mean=start), 300, fitness).best[1]
        for name in ("low-rank", "full", "separable")
    )
    assert min(learned, whole) > -1 > -100 > plain


@pytest.mark.parametrize(("rows", "size"), [(1, 1), (3, 7), (7, 7), (20, 3)])
def test_evolution__full_draws_vectors_that_are_orthogonal_and_as_long_as_normal_ones(rows, size):
    drawn = cma.orthogonal(5, 2, rows, size)
    for start in range(0, rows, size):
        block = drawn[start : start + size]
        np.testing.assert_allclose(block @ block.T, np.diag((block**2).sum(1)), atol=1e-10)
    np.testing.assert_allclose((drawn**2).sum(1), (normal(5, 2, rows, size) ** 2).sum(1), rtol=1e-6)
    many = np.concatenate([cma.orthogonal(5, generation, 6, 6) for generation in range(2000)])
    np.testing.assert_allclose(many.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(many.T @ many / len(many), np.eye(6), atol=0.05)


def test_layout__biases_begin_narrower_than_weights():
    search = Evolution((3, 2, 1), population=2000, sigma=1, strategy="separable")
    (weights, biases), (last, final) = search.ask().maps
    for wide, narrow, summed in ((weights, biases, 4), (last, final, 6)):
        assert wide.std() == pytest.approx(1 / np.sqrt(summed), rel=0.05)
        assert narrow.std() == pytest.approx(0.1 / np.sqrt(summed), rel=0.05)


@pytest.mark.parametrize("population", [8, 100])
def test_evolution__full_learns_the_shape_of_what_it_searches(population):
    """A turned ellipse; the covariance matrix becomes the inverse of its own, but for its length."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    steep = turn.T @ np.diag([1, 4, 16, 64]) @ turn
    search = Evolution(size=4, strategy="full", population=population, seed=7, mean=np.full(4, 3.0))
    advance(search, 12000 // (population + 20), lambda genomes: -np.einsum("pi,ij,pj->p", genomes, steep, genomes))
    factor = search.state["factor"]
    learned = np.linalg.cond(factor @ factor.T @ steep)
    assert learned < 25 < 60 < np.linalg.cond(steep)


def test_evolution__full_refuses_what_its_matrix_would_be_too_large_for():
    with pytest.raises(ConfigError, match="at most 4096 numbers; these have 4097: take low-rank"):
        Evolution(size=4097, strategy="full")


@every_strategy
def test_evolution__equal_seeds_go_equally_and_others_do_not(strategy):
    one, same, other = (advance(Evolution(size=6, strategy=strategy, seed=seed), 5) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.ask().genomes, same.ask().genomes)
    assert (one.ask().genomes != other.ask().genomes).any()


@every_strategy
def test_evolution__asking_again_gives_the_same_genomes(strategy):
    search = advance(Evolution(size=6, strategy=strategy), 2)
    first = search.ask()
    assert search.ask() is first
    assert first.generation == 2
    assert not first.genomes.flags.writeable


@every_strategy
def test_evolution__losses_are_fitness_upside_down(strategy):
    one = advance(Evolution(size=6, strategy=strategy), 3)
    other = Evolution(size=6, strategy=strategy)
    for _ in range(3):
        other.tell(losses=-fitness_of(other.ask().genomes))
    np.testing.assert_array_equal(one.ask().genomes, other.ask().genomes)


@pytest.mark.parametrize("strategy", ["low-rank", "full", "separable"])
@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
@settings(max_examples=15, deadline=None)
def test_evolution__only_the_order_of_fitness_matters(strategy, seed, scale, shift):
    levels = np.random.default_rng(seed).permutation(24).astype(float)
    one, other = (Evolution(size=6, strategy=strategy, population=24, seed=seed) for _ in range(2))
    one.ask(), other.ask()
    one.tell(levels)
    other.tell(np.round(scale * levels + shift, 6))
    np.testing.assert_array_equal(one.ask().genomes, other.ask().genomes)


@pytest.mark.parametrize(("module", "drawn"), [(low_rank, "normal"), (full, "orthogonal"), (separable, "orthogonal")])
@given(seed=st.integers(0, 1000), pairs=st.integers(2, 10), levels=st.integers(1, 30))
@settings(max_examples=15, deadline=None)
def test_evolution__a_search_is_the_same_whatever_order_genomes_come_in(module, drawn, seed, pairs, levels):
    """Each generation's samples in another order, with the fitness that is theirs: sums differ in the last bits.

    Of an odd population of mirrored pairs one genome has no partner, and which one decides the search.
    """
    draw = getattr(module, drawn)

    def shuffled(seed, generation, rows, size):
        return draw(seed, generation, rows, size)[np.random.default_rng((seed, generation)).permutation(rows)]

    def fitness(genomes):
        return np.round(levels * fitness_of(genomes))  # with ties, the more of them the fewer levels there are

    name = {low_rank: "low-rank", full: "full", separable: "separable"}[module]
    one, other = (Evolution(size=6, strategy=name, seed=seed, population=2 * pairs) for _ in range(2))
    first = one.ask().genomes
    advance(one, 4, fitness)
    with patch.object(module, drawn, shuffled):
        np.testing.assert_array_equal(np.sort(other.ask().genomes, 0), np.sort(first, 0))
        advance(other, 4, fitness)
    np.testing.assert_allclose(other.centre, one.centre, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(other.ask().genomes, one.ask().genomes, rtol=1e-4, atol=1e-5)


@given(fitness=st.lists(st.integers(0, 3), min_size=2, max_size=12), seed=st.integers(0, 99))
def test_ties__the_order_of_genomes_does_not_matter(fitness, seed):
    told = np.array(fitness, float)
    weights, _ = logarithmic((len(told) + 1) // 2)
    order = np.random.default_rng(seed).permutation(len(told))
    shares = shared_by_ties(told, weights)
    np.testing.assert_allclose(shared_by_ties(told[order], weights), shares[order], rtol=1e-12)
    assert shares.sum() == pytest.approx(1)
    for level in set(fitness):
        assert len({round(share, 12) for share in shares[told == level]}) == 1


@pytest.mark.parametrize("strategy", ["low-rank", "full", "separable"])
def test_evolution__a_fitness_that_is_flat_moves_nothing_far(strategy):
    search = advance(Evolution(size=6, strategy=strategy, sigma=0.1), 30, lambda genomes: np.zeros(len(genomes)))
    assert np.abs(search.centre).max() < 1


@every_strategy
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_evolution__what_is_not_finite_loses(strategy, bad):
    search, plain = (Evolution(size=6, strategy=strategy, population=12, seed=2) for _ in range(2))
    for step in range(60):
        told = fitness_of(search.ask().genomes)
        told[step % 12] = bad
        search.tell(told)
        plain.tell(fitness_of(plain.ask().genomes))
    assert np.isfinite(search.best[1])
    assert search.best[1] > fitness_of(np.zeros((1, 6), np.float32))[0]


@every_strategy
def test_evolution__telling_twice_is_an_error(strategy):
    search = advance(Evolution(size=6, strategy=strategy), 1)
    with pytest.raises(SearchError, match="already"):
        search.tell(np.zeros(64))


def test_evolution__what_is_told_has_to_fit():
    search = Evolution(size=6, population=8)
    search.ask()
    with pytest.raises(ShapeError, match=re.escape("one number a genome is needed, (8,); got (7,)")):
        search.tell(np.zeros(7))
    with pytest.raises(ConfigError, match="either fitness"):
        search.tell()
    with pytest.raises(ConfigError, match="either fitness"):
        search.tell(np.zeros(8), losses=np.zeros(8))
    with pytest.raises(SearchError, match="no genome"):
        search.tell(np.full(8, np.nan))
    search.tell(np.zeros(8))  # none of these has used the generation up


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "either layers"),
        ({"size": 3, "layers": (2, 1)}, "either layers"),
        ({"layers": (3,)}, "two or more"),
        ({"layers": (3, 0)}, "of 1 or more"),
        ({"size": 2.5}, "whole number"),
        ({"size": 1 << 25}, "at most"),
        ({"size": 3, "strategy": "gradient"}, "no strategy for genomes 'gradient'"),
        ({"size": 3, "population": 1}, "population"),
        ({"size": 3, "seed": -1}, "seed"),
        ({"size": 3, "sigma": 0}, "sigma"),
        ({"size": 3, "sigma": float("nan")}, "sigma"),
        ({"size": 3, "trust": 1}, "no option 'trust'"),
        ({"size": 3, "rank": -1}, "rank"),
        ({"size": 3, "rank": "many"}, "rank"),
    ],
)
def test_evolution__refuses_settings(settings, message):
    with pytest.raises(ConfigError, match=message):
        Evolution(**settings)


@every_strategy
def test_evolution__of_discrete_policies_makes_the_same_choices_in_fewer_numbers(strategy):
    layers, rng = (3, 2, 4), np.random.default_rng(5)
    plain = Layout.of(layers, None)
    mean = rng.standard_normal(plain.size)
    search = Evolution(layers, strategy=strategy, discrete=True, mean=mean, sigma=1e-6)
    fewer = 0 if strategy in ("separable", "classic") else 3 + 2 + 1
    assert (search.space.size, search.centre.shape) == (plain.size - fewer, (plain.size,))
    seen = rng.standard_normal((1, 50, 3)).astype(np.float32)
    choices = [Population(plain, genome[None].astype(np.float32), 0).answer(seen) for genome in (mean, search.centre)]
    np.testing.assert_array_equal(*(answers.argmax(2) for answers in choices))
    if fewer:
        np.testing.assert_allclose(search.ask().weights.sum(1), 0, atol=1e-5)
        np.testing.assert_allclose(search.ask().biases.sum(1), 0, atol=1e-5)


@given(st.integers(1, 4), st.lists(st.integers(1, 3), max_size=2), st.integers(2, 6), st.integers(0, 99))
def test_layout__contrasts_lose_nothing_but_what_answers_share(inputs, hidden, outputs, seed):
    layout = Layout.of((inputs, *hidden, outputs), None)
    points = np.random.default_rng(seed).standard_normal((3, layout.contrasts.size))
    genomes = layout.from_contrasts(points)
    assert genomes.shape == (3, layout.size)
    np.testing.assert_allclose(layout.to_contrasts(genomes), points, atol=1e-12)
    (*before, (weights, biases)), (*same, _) = layout.split(genomes), layout.contrasts.split(points)
    for parts in zip(before, same, strict=True):
        for one, other in zip(*parts, strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(weights.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose(biases.sum(1), 0, atol=1e-12)


@pytest.mark.parametrize("numbers", [{"layers": (3, 1)}, {"size": 3}])
def test_evolution__one_answer_is_never_the_largest(numbers):
    with pytest.raises(ConfigError, match="discrete=False"):
        Evolution(**numbers, strategy="full", discrete=True)


def test_evolution__begins_where_it_is_told():
    with pytest.raises(ShapeError, match=re.escape("(3,)")):
        Evolution(size=3, mean=np.zeros(4))
    with pytest.raises(DataError, match="finite"):
        Evolution(size=3, mean=[0, np.nan, 0])
    search = Evolution(size=3, mean=[5, 6, 7], sigma=0.01)
    np.testing.assert_allclose(search.ask().genomes, [[5, 6, 7]] * len(search.ask()), atol=0.1)


@every_strategy
@pytest.mark.parametrize("discrete", [False, True])
def test_evolution__saved_and_loaded_it_goes_on_equally(strategy, discrete, tmp_path):
    path = tmp_path / "search.safetensors"
    asked = {"strategy": strategy, "seed": 9, "population": 10, "discrete": discrete}
    search = advance(Evolution((3, 2, 2), **asked), 4, lambda genomes: genomes[:, 0])
    search.save(path)
    again = Evolution.load(path)
    advance(search, 3, lambda genomes: genomes[:, 0])
    advance(again, 3, lambda genomes: genomes[:, 0])
    np.testing.assert_array_equal(search.ask().genomes, again.ask().genomes)
    np.testing.assert_array_equal(search.best[0], again.best[0])
    assert (search.best[1], search.evaluations) == (again.best[1], again.evaluations)


def test_evolution__loads_nothing_foreign(tmp_path):
    path = tmp_path / "search.safetensors"
    with pytest.raises(FileFormatError):
        Evolution.load(path)
    path.write_bytes(b"something else")
    with pytest.raises(FileFormatError):
        Evolution.load(path)
    search = Evolution(size=4)
    search.state["vectors"] = search.state["vectors"][:1]
    search.save(path)
    with pytest.raises(FileFormatError, match="does not look like"):
        Evolution.load(path)
    search.settings["options"] = {"wings": 2}
    search.save(path)
    with pytest.raises(FileFormatError, match="knows"):
        Evolution.load(path)


def test_evolution__a_spread_past_float32_ends_the_search():
    search = Evolution(size=3, sigma=3e38, strategy="separable")
    with np.errstate(all="ignore"), pytest.raises(SearchError, match="smaller sigma"):
        advance(search, 50, lambda genomes: np.abs(genomes[:, 0]).clip(0, 3e38))


def test_population__answers_as_its_modules_do():
    search = Evolution((3, 5, 2), population=6, seed=1)
    population = search.ask()
    assert population.weights.shape == (6, 2, 8)
    assert population.biases.shape == (6, 2)
    assert all(part.flags.c_contiguous for pair in population.maps for part in pair)
    seen = np.random.default_rng(0).standard_normal((6, 4, 3)).astype(np.float32)
    answers = population.answer(seen)
    np.testing.assert_allclose(population.answer(seen[:, 0]), answers[:, 0])
    for genome in range(6):
        np.testing.assert_allclose(population.module(genome).run(seen[genome]), answers[genome], atol=1e-6)
    with pytest.raises(ShapeError, match=re.escape("(6, 3) or (6, n, 3)")):
        population.answer(seen[:5])


def test_population__a_plain_vector_is_no_module():
    with pytest.raises(ConfigError, match="plain vector"):
        Evolution(size=3).ask().module(0)
    with pytest.raises(ShapeError):
        Evolution(size=3).ask().answer(np.zeros((3, 3)))
