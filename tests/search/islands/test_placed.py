"""Islands where a backend runs them; tests/search/test_ray.py has those of Ray."""

import pytest

from olacore.errors import ConfigError, DataError
from olacore.search.islands.placed import place_islands
from tests.support.islanders import always_dying, island_configs, often_saved, run_in_turns, waiting

MODULE = "module.safetensors"


def test_place_islands__gives_the_bytes_that_they_give_in_turns(plain, tmp_path):
    alone = run_in_turns(island_configs(plain, tmp_path / "alone", 2))
    configs = island_configs(plain, tmp_path / "placed", 2)
    stopped = place_islands(configs, "local", lambda: True, often_saved)
    assert stopped.interrupted
    assert not (tmp_path / "placed" / MODULE).exists()
    found = place_islands(
        island_configs(plain, tmp_path / "placed", 2, resume=True), "local", lambda: False, often_saved
    )
    for one, other in zip(alone, found.results, strict=True):
        assert (one.folder / MODULE).read_bytes() == (other.folder / MODULE).read_bytes()
    assert (tmp_path / "placed" / MODULE).read_bytes() == (found.best.folder / MODULE).read_bytes()


def test_place_islands__an_error_of_one_ends_all(plain, tmp_path):
    with pytest.raises(DataError, match="a worker process died"):
        place_islands(island_configs(plain, tmp_path / "dying", 2), "local", job=always_dying)
    with pytest.raises(ConfigError, match="there is no backend 'moon'"):
        place_islands(island_configs(plain, tmp_path / "moon", 2), "moon")


def test_place_islands__those_that_wait_when_they_are_stopped_have_not_failed(plain, tmp_path):
    found = place_islands(island_configs(plain, tmp_path / "placed", 2), "local", lambda: True, waiting)
    assert found.interrupted
    assert found.results == ()
