"""Whole searches for a fitness function."""

from __future__ import annotations

import json
import math

import numba
import numpy as np
import pytest

import olacore
from olacore.errors import ConfigError, OutputExistsError, SearchError, ShapeError
from olacore.fitness import evolve
from olacore.search.observers import Finished, Reported, Saved

GOAL = np.array([0.5, -1.0, 2.0], np.float32)


def near(population):
    return -((population.genomes - GOAL) ** 2).sum(1)


def near_one(genome):
    return -float(((genome - GOAL) ** 2).sum())


def noisy(population, seed):
    rng = np.random.default_rng(seed)
    return near(population) + rng.normal(size=len(population))


def answers_half(module):
    return -float(((module.run(np.eye(2, dtype=np.float32)) - 0.5) ** 2).sum())


@numba.njit
def near_compiled(genome, seed):
    return -((genome[0] - 0.5) ** 2 + (genome[1] + 1) ** 2 + (genome[2] - 2) ** 2)


def test_evolve__every_form_of_a_fitness_finds_the_same():
    found = [
        evolve(near, size=3, generations=40),
        evolve(near_one, size=3, generations=40, per="genome"),
        evolve(near_one, size=3, generations=40, per="genome", workers=2),
        evolve(near_compiled, size=3, generations=40),
    ]
    for other in found:
        np.testing.assert_allclose(other.genome, found[0].genome, atol=1e-3)
        assert other.stopped == "generations"
        assert other.generations == 40
        assert other.folder is None


def test_evolve__ends_at_each_limit():
    assert evolve(near, size=3, target=-0.01).stopped == "target"
    assert evolve(near, size=3, evaluations=50).evaluations >= 50
    assert evolve(near, size=3, seconds=0.01).stopped == "seconds"
    with pytest.raises(ConfigError, match="when to end"):
        evolve(near, size=3)
    with pytest.raises(ConfigError, match="generations must be above 0"):
        evolve(near, size=3, generations=0)


def test_evolve__a_policy_of_one_genome_at_a_time_becomes_a_module():
    found = evolve(answers_half, (2, 1), generations=60, per="genome")
    np.testing.assert_allclose(found.module.run(np.eye(2, dtype=np.float32)), 0.5, atol=0.05)


def test_evolve__equal_seeds_are_scored_on_equal_seeds():
    seen = []

    def fitness(population, seed):
        seen.append(seed)
        return near(population)

    for _ in range(2):
        evolve(fitness, size=3, generations=3, seed=5)
    assert seen[:3] == seen[3:]
    assert len(set(seen)) == 3
    assert all(0 <= seed < 2**31 for seed in seen)


def test_evolve__a_noisy_record_is_scored_again():
    """Ten thousand lucky draws would make a record of about 4 above what any genome is worth."""
    lucky = evolve(noisy, size=3, generations=150, seed=1)
    fair = evolve(noisy, size=3, generations=150, seed=1, rescore=20)
    assert lucky.fitness > 1.5
    assert abs(fair.fitness - near_one(fair.genome)) < 1
    assert near_one(fair.genome) > near_one(lucky.genome) - 0.5


def test_evolve__nan_loses():
    def fitness(population):
        told = near(population)
        told[::3] = math.nan
        return told

    assert evolve(fitness, size=3, generations=100).fitness > -0.1
    with pytest.raises(SearchError, match="no genome"):
        evolve(lambda population: np.full(len(population), np.nan), size=3, generations=2)


@pytest.mark.parametrize("strategy", ["low-rank", "separable", "classic"])
@pytest.mark.parametrize("rescore", [0, 2])
def test_evolve__interrupted_equals_uninterrupted(strategy, rescore, tmp_path):
    settings = {"size": 3, "strategy": strategy, "rescore": rescore, "report_every": 4, "seed": 3}
    whole = evolve(noisy, generations=30, out=tmp_path / "whole", **settings)
    asked = []

    def stop():
        asked.append(1)
        return len(asked) == 13

    part = evolve(noisy, generations=30, out=tmp_path / "parts", should_stop=stop, **settings)
    assert part.stopped == "interrupted"
    assert part.generations == 13
    rest = evolve(noisy, generations=30, out=tmp_path / "parts", resume=True, **settings)
    np.testing.assert_array_equal(rest.genome, whole.genome)
    assert (rest.fitness, rest.evaluations) == (whole.fitness, whole.evaluations)
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "parts")]
    one, other = ([{**json.loads(line), "seconds": 0} for line in log] for log in logs)
    assert one == other


def test_evolve__a_run_folder_is_kept_and_told(tmp_path):
    events = []
    found = evolve(answers_half, (2, 1), generations=25, per="genome", out=tmp_path / "run", callbacks=[events.append])
    loaded = olacore.load(tmp_path / "run" / "module.safetensors")
    np.testing.assert_array_equal(loaded.weights, found.module.weights)
    assert [type(event) for event in events] == [Reported, Reported, Saved, Finished]
    with pytest.raises(OutputExistsError, match="--resume or --force"):
        evolve(answers_half, (2, 1), generations=25, per="genome", out=tmp_path / "run")
    with pytest.raises(ConfigError, match="seed 0, now 1"):
        evolve(answers_half, (2, 1), generations=25, per="genome", out=tmp_path / "run", seed=1, resume=True)
    evolve(near, size=3, generations=2, out=tmp_path / "run", force=True)
    np.testing.assert_array_equal(np.load(tmp_path / "run" / "genome.npy").shape, (3,))
    assert not (tmp_path / "run" / "module.safetensors").exists()


def test_evolve__refuses_a_fitness_that_is_none():
    with pytest.raises(ShapeError, match="one number for each of the 14 genomes"):
        evolve(lambda population: 3.0, size=3, generations=1)
    with pytest.raises(ShapeError, match="a number a genome"):
        evolve(lambda genome: "good", size=3, generations=1, per="genome")
    with pytest.raises(ConfigError, match="of a population or of a genome"):
        evolve(near, size=3, generations=1, per="row")
    with pytest.raises(ConfigError, match="workers"):
        evolve(near, size=3, generations=1, workers=-1)
    with pytest.raises(ConfigError, match="threads"):
        evolve(near_compiled, size=3, generations=1, workers=2)
    with pytest.raises(ConfigError, match="a genome"):
        evolve(numba.njit(lambda genome: 0.0), size=3, generations=1)
    with pytest.raises(ConfigError, match="run folder"):
        evolve(near, size=3, generations=1, resume=True)


def test_evolve__goes_on_with_a_run_or_replaces_it(tmp_path):
    with pytest.raises(ConfigError, match="resume and force exclude each other"):
        evolve(near, size=3, generations=1, out=tmp_path / "run", resume=True, force=True)
    assert not (tmp_path / "run").exists()


def test_evolve__what_a_fitness_raises_comes_through():
    def fails(population):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        evolve(fails, size=3, generations=1)
