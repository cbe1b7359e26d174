"""Which island one is, from whom it takes migrants, and what it searches with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.errors import ConfigError, FileFormatError
from olacore.search.config import TrainConfig
from olacore.search.islands.graph import read_graph
from olacore.search.islands.island import SEED_BITS, Island
from olacore.search.islands.shares import share_of
from olacore.search.run_folder import RunFolder
from olacore.search.task import Task
from tests.support.islanders import island_configs
from tests.support.makers import make_config, write_pictures, write_plain


def test_sources__are_the_neighbours_on_a_ring():
    assert [Island(k, 4, "x").sources for k in range(4)] == [(1, 3), (0, 2), (1, 3), (0, 2)]
    assert [Island(k, 3, "x").sources for k in range(3)] == [(1, 2), (0, 2), (0, 1)]
    assert [Island(k, 2, "x").sources for k in range(2)] == [(1,), (0,)]
    assert Island(0, 1, "x").sources == ()


def test_seed__is_the_first_ones_own_and_another_for_each(tmp_path):
    seeds = {Island(k, 100, "x").seed(seed) for k in range(100) for seed in (0, 1, 7)}
    assert len(seeds) == 300
    assert all(0 <= seed < 1 << SEED_BITS for seed in seeds)
    assert Island(0, 4, "x").seed(7) == 7
    # Never another one: runs go on with it.
    assert Island(1, 4, "x").seed(0) == 1199554590574775526


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"number": 4}, "islands of 4 have the numbers 1 to 4; got 5"),
        ({"number": -1}, "numbers 1 to 4; got 0"),
        ({"count": 0}, "1 to 1000 islands; got 0"),
        ({"every": 0}, "exchanges must be 1 to .*; got 0"),
        ({"graph": {0: [4]}}, "the graph names island 5; there are 1 to 4"),
        ({"graph": {9: [1]}}, "the graph names island 10"),
        ({"graph": {1: [0, 1]}}, "island 2 takes its own migrants"),
    ],
)
def test_island__out_of_range_is_refused(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        Island(**{"number": 0, "count": 4, "exchange": "x", **settings})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seconds": 5}, "islands in lockstep stop by no clock"),
        ({"seconds": 5, "generations": 3}, "islands in lockstep stop by no clock"),
        ({}, "islands in lockstep stop by no clock"),
        ({"module": "pair", "strategy": "pair", "generations": 3}, "--module pair makes several"),
        ({"folds": 3, "generations": 3}, "--folds makes several"),
    ],
)
def test_config__what_goes_with_no_islands_is_refused(settings, sentence):
    with pytest.raises(ConfigError, match=sentence):
        TrainConfig(**{"module": None, "h5": ("x.h5",), "island": Island(0, 2, "x"), **settings})


def test_config__free_islands_may_stop_by_the_clock():
    assert TrainConfig(None, ("x.h5",), island=Island(0, 2, "x", lockstep=False)).settled.seconds == 60


def test_graph__is_read_from_a_file_and_decides_the_search(tmp_path):
    (tmp_path / "graph.json").write_text('{"1": [2, 3], "2": [], "3": [1]}')
    graph = read_graph(tmp_path / "graph.json")
    assert graph == {0: (1, 2), 1: (), 2: (0,)}
    assert read_graph('{"1": [2, 3], "2": [], "3": [1]}') == graph
    island = Island(2, 4, tmp_path, graph=graph)
    assert (island.sources, island.sources_of(3)) == ((0,), ())
    settings = island.settings(20, sharded=False)
    assert settings["graph"] == {"1": [2, 3], "2": [], "3": [1], "4": []}
    assert json.loads(json.dumps(settings)) == settings
    assert read_graph(island.asked()["graph"]) == graph


@pytest.mark.parametrize("text", ["[1]", '{"a": [1]}', '{"1": 2}', '{"1": [true]}', '{"1": [1.5]}', '{"-1": []}'])
def test_graph__that_is_none_is_refused(tmp_path, text):
    (tmp_path / "graph.json").write_text(text)
    with pytest.raises(ConfigError, match=r"graph.json must name for islands those that they take from, as"):
        read_graph(tmp_path / "graph.json")


@pytest.mark.parametrize("text", ["", "{", '{"1": [2], "1": [3]}'])
def test_graph__that_is_no_json_is_refused(tmp_path, text):
    (tmp_path / "graph.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"graph\.json"):
        read_graph(tmp_path / "graph.json")


# ---------------------------------------------------------------- shares


def test_share__pictures_are_divided_and_sources_stay_together(tmp_path):
    path = write_pictures(tmp_path / "p.h5", (21, 2, 2), (8, 8))
    with open_dataset([path]) as dataset:
        items = dataset.indices("train")
        parts = [share_of(dataset, items, number, 4, seed=3) for number in range(4)]
        again = [share_of(dataset, items, number, 4, seed=4) for number in range(4)]
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), items)
    assert sorted(map(len, parts)) == [5, 5, 5, 6]
    assert any(list(one) != list(other) for one, other in zip(parts, again, strict=True))


def task_of(config: TrainConfig) -> Task:
    assert config.out is not None
    with open_dataset(config.h5) as dataset:
        task = Task.of(config, dataset, RunFolder(config.out, resume=False, force=False))
        _ = task.searched, task.scaling, task.settings()
        return task


def test_task__enough_pictures_are_divided_and_all_else_is_common(tmp_path, monkeypatch):
    path = write_pictures(tmp_path / "p.h5", (9, 3, 2), (16, 16))  # four samples a picture
    assert not task_of(island_configs(path, tmp_path / "few", 2)[0]).sharded
    monkeypatch.setattr("olacore.search.task.LEAST_SAMPLES", 18)
    tasks = [task_of(config) for config in island_configs(path, tmp_path / "many", 2)]
    alone = task_of(make_config(path, tmp_path / "alone", strategy="sailing"))
    assert [task.rows_per_pass for task in tasks] == [20, 16]
    assert {task.rows for task in tasks} == {36}
    np.testing.assert_array_equal(np.sort(np.concatenate([task.searched for task in tasks])), alone.searched)
    for task in tasks:
        np.testing.assert_array_equal(task.items["validation"], alone.items["validation"])
        np.testing.assert_array_equal(task.scaling.input_mean, alone.scaling.input_mean)
        np.testing.assert_array_equal(task.scaling.target_scale, alone.scaling.target_scale)
        assert task.settings()["sharded"]
    assert [task.search_seed == alone.search_seed for task in tasks] == [True, False]
    monkeypatch.setattr("olacore.search.task.LEAST_SAMPLES", 19)
    assert not task_of(island_configs(path, tmp_path / "fewer", 2)[0]).sharded


def test_task__rows_without_sources_are_seen_by_every_island(tmp_path, monkeypatch):
    monkeypatch.setattr("olacore.search.task.LEAST_SAMPLES", 1)
    task = task_of(island_configs(write_plain(tmp_path / "p.h5"), tmp_path / "a", 2)[1])
    assert not task.sharded
    assert task.rows_per_pass == task.rows


def test_task__a_strategy_without_migrants_is_refused(tmp_path):
    path = write_plain(tmp_path / "p.h5")
    config = island_configs(path, tmp_path / "a", 2)[0]
    with pytest.raises(ConfigError, match="islands need a strategy that sends migrants: .*sailing.*; got classic"):
        task_of(replace(config, strategy="classic"))


def test_asked__is_what_the_command_takes():
    island = Island(1, 4, Path("x"), every=5, lockstep=False)
    assert island.asked() == {"island": "2/4", "exchange": "x", "every": 5, "free": True}
