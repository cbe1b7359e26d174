"""Environments of Gymnasium."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from olacore.errors import ConfigError
from olacore.fitness import Evolution, evolve
from olacore.play import GymFitness, Snake

gymnasium = pytest.importorskip("gymnasium")


def test_gym_fitness__knows_layers_of_discrete_actions_and_of_boxes():
    assert GymFitness("CartPole-v1").layers() == (4, 2)
    assert GymFitness("Pendulum-v1").layers(8) == (3, 8, 1)
    assert GymFitness("olacore/Snake-v0", options={"size": 6}).layers() == (13, 3)


def test_gym_fitness__equal_seeds_give_equal_returns_and_the_order_of_genomes_does_not_matter():
    fitness = GymFitness("CartPole-v1", episodes=2)
    population = Evolution(fitness.layers(), population=6, seed=1).ask()
    told = fitness(population, 3)
    np.testing.assert_array_equal(fitness(population, 3), told)
    turned = type(population)(population.layout, population.genomes[::-1].copy(), 0)
    np.testing.assert_array_equal(fitness(turned, 3), told[::-1])
    assert 8 <= told.min() <= told.max() <= 500


def test_gym_fitness__cart_pole_improves():
    fitness = GymFitness("CartPole-v1")
    found = evolve(fitness, fitness.layers(), generations=6, population=8, seed=2, sigma=1.0)
    assert found.fitness > 100


def test_gym_fitness__stretches_answers_to_the_bounds_of_a_box():
    fitness = GymFitness("Pendulum-v1")
    np.testing.assert_allclose(fitness._actions(np.array([[1.0]])), [[2.0]])
    np.testing.assert_allclose(fitness._actions(np.array([[-0.5]])), [[-1.0]])
    population = Evolution(fitness.layers(), population=2).ask()
    assert np.isfinite(fitness(population, 0)).all()


@pytest.mark.parametrize("name", ["NoSuchGame-v0", "no game", "FrozenLake-v1"])
def test_gym_fitness__refuses_environments(name):
    with pytest.raises(ConfigError, match=r"no environment|a vector"):
        GymFitness(name)


def test_gym_fitness__says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(ConfigError, match=r"olacore\[rl\]"):
        GymFitness("CartPole-v1")


def test_snake_environment__keeps_gymnasiums_contract():
    from gymnasium.utils.env_checker import check_env

    from olacore.play.gym_snake import SnakeEnvironment

    check_env(SnakeEnvironment(6, "rgb_array"), skip_render_check=True)


def test_snake_environment__is_the_game_of_its_seed():
    environment = GymFitness("olacore/Snake-v0", options={"size": 6})._environment(0)
    seen, _ = environment.reset(seed=11)
    game = Snake(6, 11)
    total = 0.0
    for move in (1, 0, 2, 1, 1, 1, 1, 1):
        np.testing.assert_array_equal(seen, game.observe())
        seen, reward, ended, _, info = environment.step(move)
        game.step(move)
        total += reward
        assert info == {"food": game.eaten}
        assert ended == game.over
        if ended:
            break
    assert total == game.eaten
