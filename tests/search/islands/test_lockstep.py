"""Islands in lockstep give the same bytes however they run: in turns, together, in processes, killed, and resumed."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace

import pytest

from olacore.errors import ConfigError, OutputError
from olacore.modules.module import load
from olacore.search.islands.driver import train_islands
from olacore.search.islands.exchange import WaitingEnded
from olacore.search.islands.job import run_island
from olacore.search.train import train
from tests.support.islanders import dying, island_configs, often_saved, plan_deaths, run_in_threads, run_in_turns
from tests.support.makers import make_config, module_bytes, story, threads, write_plain
from tests.support.searches import assert_same_run, stop_after

needs_kill = pytest.mark.skipif(os.name != "posix", reason="signals are those of Unix")


def assert_same_islands(one, other):
    for ours, theirs in zip(one, other, strict=True):
        assert_same_run(ours.out, theirs.out)


def test_lockstep__in_turns_and_together_is_the_same(plain, tmp_path):
    """In turns, each island is stopped at every exchange, in the midst of its waiting, and resumed."""
    turns, together = (island_configs(plain, tmp_path / name, 3) for name in ("turns", "together"))
    run_in_turns(turns)
    run_in_threads(together)
    assert_same_islands(turns, together)
    assert len({module_bytes(config.out) for config in turns}) == 3
    last = story(turns[1].out)[-1]
    assert 0 < last["migrated"] < load(turns[1].out).training["migrated"]  # the last exchange follows the last line
    assert load(turns[1].out).training["island"] == "2 of 3"


def test_lockstep__migrants_change_the_search(plain, tmp_path):
    with_, without = (island_configs(plain, tmp_path / str(every), 2, every=every) for every in (2, 100))
    for configs in (with_, without):
        run_in_threads(configs)
    train(make_config(plain, tmp_path / "alone", strategy="sailing", generations=8))
    first = [load(configs[0].out) for configs in (with_, without)]
    alone = load(tmp_path / "alone")
    assert (first[0].weights != alone.weights).any()
    assert (first[1].weights == alone.weights).all()  # the first island searches with the seed itself


def test_lockstep__on_another_number_of_threads_is_the_same(plain, tmp_path):
    one, two = (island_configs(plain, tmp_path / name, 2) for name in ("one", "two"))
    for count, configs in ((1, one), (2, two)):
        with threads(count):
            run_in_turns(configs)
    assert_same_islands(one, two)


def test_lockstep__the_same_after_any_interruption(plain, tmp_path):
    whole, pieces = (island_configs(plain, tmp_path / name, 2, every=3) for name in ("whole", "pieces"))
    run_in_threads(whole)
    for after in (1, 4, 2):
        for config in pieces:
            run_island(replace(config, resume=after != 1), should_stop=stop_after(after))
    run_in_threads([replace(config, resume=True) for config in pieces])
    assert_same_islands(whole, pieces)


def test_lockstep__an_island_that_lost_its_folder_is_refused(plain, tmp_path):
    configs = island_configs(plain, tmp_path / "run", 2)
    run_in_threads(configs)
    shutil.rmtree(configs[1].out)
    with pytest.raises(OutputError, match=r"island-2 has saved exchange 4, and .* has come to exchange 0: what"):
        run_island(replace(configs[1], resume=True))


def test_lockstep__finished_islands_can_go_on(plain, tmp_path):
    whole, pieces = (island_configs(plain, tmp_path / name, 3, generations=12) for name in ("whole", "pieces"))
    run_in_threads(whole)
    run_in_threads([replace(config, generations=6) for config in pieces])
    # One after the other, too: none takes the end of the others' shorter runs for the end of these.
    run_in_turns([replace(config, resume=True) for config in pieces])
    assert_same_islands(whole, pieces)


def test_lockstep__islands_that_end_early_are_gone_on_without(plain, tmp_path):
    """Each freezes when it does."""
    frozen = {"generations": None, "until_loss": 1e-9, "patience": 1}
    turns, together = (island_configs(plain, tmp_path / name, 3, **frozen) for name in ("turns", "together"))
    results = run_in_turns(turns)
    run_in_threads(together)
    assert_same_islands(turns, together)
    assert {result.stopped for result in results} == {"frozen"}
    assert len({result.module.training["generations"] for result in results}) > 1


def test_lockstep__a_graph_decides_who_takes_from_whom(plain, tmp_path):
    configs = island_configs(plain, tmp_path / "a", 3, graph={1: (0,)})
    for config in configs:  # nobody waits for one that comes later
        run_island(config)
    taken = [load(config.out).training["migrated"] for config in configs]
    assert [number > 0 for number in taken] == [False, True, False]


@needs_kill
def test_processes__killed_at_random_give_the_same_bytes(plain, tmp_path):
    settings = {"generations": 150, "every": 5, "report_every": 50}
    whole, killed = (island_configs(plain, tmp_path / name, 3, **settings) for name in ("whole", "killed"))
    run_in_threads(whole)
    deaths = plan_deaths(killed, 3, 1.0)
    found = train_islands(killed, job=dying)
    assert_same_islands(whole, killed)
    # What all had taken before a checkpoint is gone, and was asked for by none that was killed.
    assert len(list(killed[0].island.exchange.glob("island-*/[0-9]*.safetensors"))) < 3 * 30 / 2
    assert len(list(deaths.iterdir())) < 3
    assert module_bytes(found.folder) == module_bytes(found.best.folder)
    losses = [result.module.training["validation_loss"] for result in found.results]
    assert losses[found.number] == min(losses)


def test_processes__stopped_and_resumed_give_the_same_bytes(plain, tmp_path):
    whole, pieces = (island_configs(plain, tmp_path / name, 2, generations=40) for name in ("whole", "pieces"))
    run_in_threads(whole)
    seen = []
    found = train_islands(pieces, [seen.append] * 2, lambda: len(seen) > 6, job=often_saved)
    assert found.interrupted
    assert not (found.folder / "module.safetensors").exists()
    train_islands([replace(config, resume=True) for config in pieces], job=often_saved)
    assert_same_islands(whole, pieces)


# ---------------------------------------------------------------- islands that divide the work of one search


@pytest.fixture
def few(tmp_path):
    return write_plain(tmp_path / "few.h5", 160, inputs=4, outputs=4)


def wide_islands(few, folder):
    return island_configs(few, folder, 2, strategy="wide", stack=16, population=None, generations=3)


def test_divided__islands_hold_the_same_search_and_go_on_from_any_stop(few, tmp_path):
    pieces, processes = (wide_islands(few, tmp_path / name) for name in ("pieces", "processes"))
    began = [False, False]
    results = [None, None]
    while not all(result is not None and result.stopped == "generations" for result in results):
        for number, config in enumerate(pieces):
            with suppress(WaitingEnded):  # as far as it comes without the other
                results[number] = run_island(replace(config, resume=began[number]), should_stop=lambda: True)
            began[number] = True
    found = train_islands(processes, job=often_saved)
    assert [result.stopped for result in found.results] == ["generations"] * 2
    assert_same_islands(pieces, processes)
    one, two = (load(config.out) for config in pieces)
    assert (one.weights == two.weights).all()
    assert story(pieces[0].out) == story(pieces[1].out)


@pytest.mark.parametrize("changes", [{"every": 3}, {"lockstep": False}, {"graph": {0: (1,)}}])
def test_divided__what_would_be_ignored_is_refused(few, tmp_path, changes):
    config = wide_islands(few, tmp_path / "run")[0]
    with pytest.raises(
        ConfigError, match=r"islands divide the work of the strategy wide, .*; leave --(every|free|graph) out"
    ):
        run_island(replace(config, island=replace(config.island, **changes)))
