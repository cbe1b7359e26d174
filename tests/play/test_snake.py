"""Snake: rules, its compiled twin, players."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from olacore.errors import ConfigError, ShapeError
from olacore.fitness import Layout
from olacore.kernels.snake import play_snake
from olacore.play import GREEDY, LAYERS, Snake, play_episodes
from olacore.play.pictures import cells_of, film, picture_of, played
from olacore.play.training import chooser, load_player, measure, train_snake
from tests.support.kernel_cases import COMPILED, run_with_threads


def play_slowly(genome, layers, size, seed, episode):
    game = Snake(size, seed, episode)
    *_, end = played(game, chooser(genome, layers))
    return end.eaten, end.steps


@given(seed=st.integers(0, 2**40), size=st.integers(4, 12), hidden=st.sampled_from([(), (4,), (3, 2)]))
@settings(max_examples=12 if COMPILED else 2, deadline=None)
def test_snake__compiled_episodes_equal_those_in_python(seed, size, hidden):
    layers = (LAYERS[0], *hidden, LAYERS[1])
    rng = np.random.default_rng(seed)
    genomes = rng.standard_normal((3, Layout.of(layers, None).size)).astype(np.float32)
    food, steps = play_episodes(genomes, layers, size=size, seed=seed, episodes=2)
    for genome, episode in np.ndindex(*food.shape):
        assert play_slowly(genomes[genome], layers, size, seed, episode) == (
            food[genome, episode],
            steps[genome, episode],
        )


@pytest.mark.parametrize("size", [4, 6, 9])
def test_snake__long_games_of_the_greedy_player_are_equal_too(size):
    food, steps = play_episodes(GREEDY, size=size, seed=3, episodes=2)
    for episode in range(2):
        assert play_slowly(GREEDY, LAYERS, size, 3, episode) == (food[0, episode], steps[0, episode])
    assert food.min() >= 3


def test_snake__any_number_of_threads_plays_the_same():
    genomes = np.random.default_rng(1).standard_normal((9, 42)).astype(np.float32)
    one, two = (run_with_threads(count, lambda: play_episodes(genomes, episodes=4)[1]) for count in (1, 2))
    np.testing.assert_array_equal(one, two)


def test_snake__episodes_are_numbered_and_equal_for_all_genomes():
    genomes = np.repeat(GREEDY[None], 2, 0)
    food, _ = play_episodes(genomes, size=6, episodes=6)
    np.testing.assert_array_equal(food[0], food[1])
    later, steps = np.empty((1, 2), np.int64), np.empty((1, 2), np.int64)
    play_snake(GREEDY[None], np.array(LAYERS), 6, 6, 0, 4, later, steps)
    np.testing.assert_array_equal(later[0], food[0, 4:])
    assert len(set(play_episodes(GREEDY, size=6, episodes=6, seed=1)[1][0])) > 1


def test_snake__begins_in_the_middle_and_dies_at_the_wall():
    game = Snake(6)
    assert list(game.body) == [(3, 1), (3, 2), (3, 3)]
    assert game.direction == 1
    while not game.over:
        game.step(1)
    assert not game.alive
    assert game.body[-1][1] == 5
    with pytest.raises(ConfigError, match="not over"):
        game.step(1)
    with pytest.raises(ConfigError, match="0, 1 or 2"):
        Snake(6).step(3)


def test_snake__grows_where_it_eats():
    game = Snake(8, seed=5)
    choose = chooser(GREEDY, LAYERS)
    before = len(game.body)
    while game.eaten == 0:
        game.step(choose(game.observe()))
    assert len(game.body) == before + 1
    assert game.hungry == 0
    assert game.food not in game.body


def test_snake__may_follow_its_tail_and_not_run_into_itself():
    game = Snake(6)
    game.body.clear()
    game.body.extend([(2, 2), (2, 3), (3, 3), (3, 2)])
    game.direction, game.food = 3, (0, 0)
    seen = game.observe()
    assert seen[8] == 0
    assert seen[11] == 1
    game.step(2)
    assert game.alive
    assert game.body[-1] == (2, 2)
    game.body.extend([(2, 1), (1, 1)])
    game.step(1)
    assert game.alive or not game.alive


def test_snake__starves():
    game = Snake(4)
    game.food = (0, 0)
    for turn in range(40):
        if game.over:
            break
        game.step(0 if turn else 1)
    assert not game.alive
    assert game.steps <= 2 * 16


def test_snake__a_full_board_is_won():
    food, _ = play_episodes(GREEDY, size=4, episodes=400)
    assert food.max() == 13
    episode = int(food[0].argmax())
    game = Snake(4, 0, episode)
    *_, end = played(game, chooser(GREEDY, LAYERS))
    assert end.won
    assert end.alive
    assert end.food is None
    assert len(end.body) == 16
    assert (cells_of(end) > 0).all()


def test_snake__sees_walls_regions_and_food():
    game = Snake(6)
    game.food = (3, 5)
    seen = game.observe()
    assert seen.shape == (13,)
    assert seen.dtype == np.float32
    # Nothing kills; ahead is nearer to the food; everything free is reached, the tail too.
    np.testing.assert_array_equal(seen.reshape(-1)[[0, 4, 8]], 0)
    np.testing.assert_array_equal(seen[[1, 5, 9]], [-1, 1, -1])
    np.testing.assert_allclose(seen[[2, 6, 10]], 1)
    np.testing.assert_array_equal(seen[[3, 7, 11]], 1)
    assert seen[12] == np.float32(3 / 36)


def test_play_episodes__refuses_what_does_not_fit():
    with pytest.raises(ShapeError, match="42 numbers"):
        play_episodes(np.zeros((2, 41)))
    with pytest.raises(ConfigError, match="4 to 32"):
        play_episodes(GREEDY, size=3)
    with pytest.raises(ConfigError, match="13 inputs"):
        play_episodes(np.zeros((1, 15)), (4, 3))
    with pytest.raises(ConfigError, match="episodes"):
        play_episodes(GREEDY, episodes=0)
    with pytest.raises(ConfigError, match="seed"):
        Snake(6, seed=-1)


def test_pictures__show_head_body_and_food():
    game = Snake(5)
    picture = picture_of(game)
    assert picture.shape == (60, 60, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 5
    content = film(Snake(4, 0), chooser(GREEDY, LAYERS))
    with Image.open(io.BytesIO(content)) as shown:
        assert shown.format == "GIF"
        assert shown.n_frames > 3


def test_train_snake__beats_a_player_that_does_nothing_and_can_be_loaded(tmp_path):
    found = train_snake(tmp_path / "run", size=6, generations=12, seed=1)
    ours = measure(found.genome, LAYERS, 6, 100)
    assert ours.food > 5 > measure(np.zeros(42, np.float32), LAYERS, 6, 100).food
    module, genome = load_player(found.folder / "module.safetensors")
    np.testing.assert_allclose(genome, found.genome, rtol=1e-6)
    assert module.layers == LAYERS
    with pytest.raises(ShapeError, match="plays no Snake"):
        load_player("sd15-decoder")
    assert re.search("snake|run", str(found.folder))
