"""Islands as processes: started again where they die, stopped together, and the best one's module at the end."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from olacore.errors import ConfigError, DataError, OutputError, OutputExistsError
from olacore.modules.module import load
from olacore.reports.report import report
from olacore.search.islands.driver import Told, train_islands
from olacore.search.islands.job import Archipelago, clear, gather, islands_of, run_island
from olacore.search.observers import Started
from olacore.search.run_folder import held
from olacore.search.run_log import Followers, name_of, runs_in
from tests.support.islanders import always_dying, faulty, island_configs, often_saved, run_in_threads
from tests.support.makers import make_config, module_bytes, write_plain

needs_kill = pytest.mark.skipif(os.name != "posix", reason="signals are those of Unix")


def config_of(plain, folder, **changes):
    return make_config(plain, folder, **{"strategy": "sailing", **changes})


# ---------------------------------------------------------------- settings of all islands


def test_islands_of__have_folders_of_their_own_and_an_exchange_in_common(plain, tmp_path):
    configs = islands_of(config_of(plain, tmp_path / "run", seed=5), 3, every=4)
    assert [config.out for config in configs] == [tmp_path / "run" / f"island-{k}" for k in (1, 2, 3)]
    assert {config.island.exchange for config in configs} == {tmp_path / "run" / "exchange"}
    assert [config.island.number for config in configs] == [0, 1, 2]
    assert {(config.seed, config.island.every) for config in configs} == {(5, 4)}
    assert (tmp_path / "run" / "exchange").is_dir()


def test_islands_of__what_is_there_is_neither_lost_nor_taken_for_another_run(plain, tmp_path):
    config = config_of(plain, tmp_path / "run")
    run_in_threads(islands_of(config, 2))
    before = module_bytes(tmp_path / "run" / "island-1")
    with pytest.raises(OutputExistsError, match="island-1 already holds a run; give --resume or --force"):
        islands_of(config, 2)
    for count in (1, 3):
        with pytest.raises(ConfigError, match=f"was started with 2 islands, not {count}; give --islands 2"):
            islands_of(replace(config, resume=True), count)
    other = write_plain(tmp_path / "other.h5", seed=1)
    with pytest.raises(OSError, match=r"missing\.h5"):
        islands_of(replace(config, force=True, h5=(tmp_path / "missing.h5",)), 2)
    assert (tmp_path / "run" / "exchange" / "run.json").is_file()
    run_in_threads(islands_of(replace(config, force=True, h5=(other,)), 2))
    assert module_bytes(tmp_path / "run" / "island-1") != before


def test_islands_of__one_that_was_stopped_before_it_began_is_resumed(plain, tmp_path):
    config = config_of(plain, tmp_path / "run")
    second = islands_of(config, 2)[1]
    assert second.out is not None
    second.out.rmdir()  # as an island leaves it that is stopped before its search
    run_in_threads(islands_of(replace(config, resume=True), 2))
    assert module_bytes(second.out)


def test_islands_of__force_takes_nothing_from_a_run_that_goes_on(plain, tmp_path):
    config = config_of(plain, tmp_path / "run")
    islands_of(config, 2)
    there = tmp_path / "run" / "exchange" / "run.json"
    there.write_text("{}")
    with held(tmp_path / "run"), pytest.raises(OutputError, match="is being written by another process"):
        islands_of(replace(config, force=True), 2)
    assert there.is_file()
    islands_of(replace(config, force=True), 2)
    assert not there.exists()


def test_islands_of__settings_that_no_island_has_make_no_folder(plain, tmp_path):
    with pytest.raises(ConfigError, match="islands in lockstep stop by no clock"):
        islands_of(config_of(plain, tmp_path / "run", seconds=5), 2)
    assert not (tmp_path / "run").exists()


def test_clear__leaves_what_is_not_of_islands(tmp_path):
    (tmp_path / "island-1").mkdir()
    for name in ("run.json", "notes.txt", "island-1/000001.safetensors"):
        (tmp_path / name).write_text("x")
    clear(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["island-1", "notes.txt"]


def test_run_island__settings_of_none_are_refused(plain, tmp_path):
    with pytest.raises(ConfigError, match="expected the settings of an island"):
        run_island(config_of(plain, tmp_path / "run"))


# ---------------------------------------------------------------- what they gave


def test_gather__keeps_the_best_by_validation_loss(plain, tmp_path):
    configs = island_configs(plain, tmp_path, 3)
    results = run_in_threads(configs)
    losses = [load(config.out).training["validation_loss"] for config in configs]
    found = gather(tmp_path, results)
    assert losses[found.number] == min(losses)
    assert module_bytes(tmp_path) == module_bytes(configs[found.number].out)
    assert not found.interrupted
    assert Archipelago(tmp_path, tuple(reversed(results))).number == 2 - found.number


def test_folder__of_islands_is_followed_and_reported(plain, tmp_path):
    configs = island_configs(plain, tmp_path / "run", 2)
    gather(tmp_path / "run", run_in_threads(configs))
    assert runs_in(tmp_path / "run") == [config.out for config in configs]
    assert name_of(configs[0].out) == "run/island-1"
    followers = Followers([tmp_path / "run"])
    followers.poll()
    assert [run.last["generation"] for run in followers.runs.values()] == [8, 8]
    assert followers.over()
    report([configs[1].out], tmp_path / "report.html")
    assert "--island 2/2 --exchange exchange" in (tmp_path / "report.html").read_text()


# ---------------------------------------------------------------- processes


def test_train_islands__tells_lines_and_starts(plain, tmp_path):
    seen = {number: [] for number in range(2)}
    configs = islands_of(config_of(plain, tmp_path / "run"), 2)
    found = train_islands(configs, [seen[0].append, seen[1].append], job=often_saved)
    for number, events in seen.items():
        assert isinstance(events[0], Started)
        assert events[0].folder == configs[number].out
        assert [event.line["generation"] for event in events if isinstance(event, Told)] == [1, 2, 4, 6]
    assert (found.folder, len(found.results)) == (tmp_path / "run", 2)


@needs_kill
def test_train_islands__one_that_dies_again_and_again_ends_all(plain, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("olacore.search.islands.driver.MOST_DEATHS", 2)
    configs = islands_of(config_of(plain, tmp_path / "run"), 2)
    sentence = "island 2 died 2 times in a row without getting on, last by signal 9, perhaps for want of memory"
    with pytest.raises(DataError, match=sentence):
        train_islands(configs, job=always_dying)
    assert "island 2 died by signal 9, and goes on from its folder" in caplog.text
    # The other one waited, and is saved.
    assert (configs[0].out / "checkpoint.safetensors").is_file()


def test_train_islands__an_error_of_one_is_that_of_all(plain, tmp_path):
    configs = islands_of(config_of(plain, tmp_path / "run"), 2)
    configs[1] = replace(configs[1], seed=1)
    with pytest.raises(ConfigError, match="is of a run with seed"):
        train_islands(configs, job=often_saved)


def test_train_islands__a_fault_says_where_it_comes_from(plain, tmp_path):
    configs = islands_of(config_of(plain, tmp_path / "run"), 1)
    with pytest.raises(ZeroDivisionError) as raised:
        train_islands(configs, job=faulty)
    assert "in faulty" in "".join(raised.value.__notes__)
