"""The exchange folder: what is not of the run is refused in one line, and never half read."""

from __future__ import annotations

import errno
import json
import logging
import os
import threading
from dataclasses import replace

import pytest

from olacore.errors import ConfigError, FileFormatError, OutputError
from olacore.modules.module import load
from olacore.modules.tensor_file import open_sealed, seal
from olacore.search import loop
from olacore.search.islands import migrants, post
from olacore.search.islands.job import run_island
from olacore.search.observers import Saved
from tests.support.islanders import island_configs, run_in_threads
from tests.support.makers import write_plain
from tests.support.searches import assert_same_run


@pytest.fixture
def pair(plain, tmp_path):
    """The settings of two islands, the first of which has gone as far as it comes alone."""
    configs = island_configs(plain, tmp_path / "pair", 2)
    assert run_island(configs[0], should_stop=never_while_searching()).stopped == "interrupted"
    return configs


def never_while_searching():
    """Stops an island once it is asked more often than it has generations before its first exchange."""
    asked = iter(range(1000))
    return lambda: next(asked) >= 4


def published(config, epoch=1):
    return config.island.exchange / config.island.name / f"{epoch:06}.safetensors"


def go_on(config):
    return run_island(replace(config, resume=True), should_stop=never_while_searching())


def rewrite(path, arrays=None, **changes):
    """Seal a file once more, with other content."""
    with open_sealed(path) as file:
        content, found = file.content, file.load()
    path.write_bytes(seal(found if arrays is None else arrays(found), {**content, **changes}))


# ---------------------------------------------------------------- what neighbours publish


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"settings": "0" * 64},
            "has the settings '000000000000', this run needs '[0-9a-f]{12}'; it is not of this run",
        ),
        ({"data": "0" * 64}, "has the data '000000000000', this run needs"),
        ({"version": "9.9"}, "has the version '9.9', this run needs '0.2.0'"),
        ({"epoch": 2}, "has the epoch 2, this run needs 1"),
        ({"island": 1}, "has the island 1, this run needs 2"),
        ({"schema": "olacore/migrants/2"}, "has the schema 'olacore/migrants/2', this run needs 'olacore/migrants/1'"),
    ],
)
def test_migrants__of_another_run_are_refused(pair, changes, sentence):
    run_island(pair[1], should_stop=never_while_searching())
    rewrite(published(pair[1]), **changes)
    with pytest.raises(FileFormatError, match=sentence):
        go_on(pair[0])


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        (lambda found: {"weights": found["weights"]}, "lacks the array 'biases'"),
        (lambda found: {**found, "more": found["biases"]}, "has the array 'more'"),
        (
            lambda found: {**found, "biases": found["biases"].astype("f8")},
            "biases of .* must be float32 .*; it is float64",
        ),
        (
            lambda found: {**found, "weights": found["weights"][:, 1:].copy()},
            r"weights of .* must be float32 .*\(3, 4\)",
        ),
        (lambda found: {**found, "weights": found["weights"][0]}, r"weights of .* must be float32"),
    ],
)
def test_migrants__of_other_shapes_never_reach_the_strategy(pair, arrays, sentence):
    run_island(pair[1], should_stop=never_while_searching())
    rewrite(published(pair[1]), arrays)
    with pytest.raises(FileFormatError, match=sentence):
        go_on(pair[0])


@pytest.mark.parametrize("left", [0, 5, 300, -1])
def test_migrants__a_half_file_is_never_read(pair, left):
    run_island(pair[1], should_stop=never_while_searching())
    whole = published(pair[1]).read_bytes()
    published(pair[1]).write_bytes(whole[:left])
    with pytest.raises(FileFormatError, match=r"000001\.safetensors"):
        go_on(pair[0])
    # What the search had is saved, and goes on from there.
    published(pair[1]).write_bytes(whole)
    assert go_on(pair[0]).stopped == "interrupted"


def test_migrants__a_changed_bit_is_refused(pair):
    run_island(pair[1], should_stop=never_while_searching())
    content = bytearray(published(pair[1]).read_bytes())
    content[-1] ^= 1
    published(pair[1]).write_bytes(content)
    with pytest.raises(FileFormatError, match="its numbers are not those that were written"):
        go_on(pair[0])


def test_migrants__larger_than_any_are_refused(pair, monkeypatch):
    run_island(pair[1], should_stop=never_while_searching())
    monkeypatch.setattr(migrants, "MOST_BYTES", 100)
    with pytest.raises(FileFormatError, match="is larger than the 0 MiB that migrants may have"):
        go_on(pair[0])


def test_migrants__that_can_be_seen_only_late_are_looked_at_again(pair, plain, tmp_path, monkeypatch):
    whole = island_configs(plain, tmp_path / "whole", 2)
    run_in_threads(whole)
    run_island(pair[1], should_stop=never_while_searching())
    content = published(pair[1]).read_bytes()
    published(pair[1]).write_bytes(content[:100])
    tried = []

    def sleep(seconds):
        tried.extend([seconds] * (seconds == post.TRY_PAUSE))
        if len(tried) == 2:
            published(pair[1]).write_bytes(content)

    with monkeypatch.context() as patch:
        patch.setattr(post.time, "sleep", sleep)
        assert go_on(pair[0]).stopped == "interrupted"
    assert len(tried) == 2
    run_in_threads([replace(config, resume=True) for config in pair])
    for ours, theirs in zip(whole, pair, strict=True):
        assert_same_run(ours.out, theirs.out)


def test_migrants__published_again_with_other_numbers_are_told(pair, caplog):
    rewrite(published(pair[0]), lambda found: {name: array + 1 for name, array in found.items()})
    go_on(pair[0])
    assert "island-1 had published other numbers as 000001" in caplog.text


# ---------------------------------------------------------------- the folder


def test_folder__missing_is_refused(plain, tmp_path):
    config = island_configs(plain, tmp_path / "a", 2)[0]
    for place, sentence in ((tmp_path / "nowhere", "is missing; make it"), (plain, "is no folder; make it")):
        island = replace(config.island, exchange=place)
        with pytest.raises(OutputError, match=sentence):
            run_island(replace(config, island=island))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"seed": 1}, "is of a run with seed 0, and this island has seed 1"),
        ({"every": 3}, "a run with every 2, and this island has every 3"),
        ({"population": 5}, "a run with population 4, and this island has population 5"),
        ({"graph": {1: (0,)}}, r"a run with graph 'ring', and this island has graph \{'1': \[\], '2': \[1\]\}"),
    ],
)
def test_folder__of_another_run_is_refused_and_both_are_named(pair, changes, sentence):
    other = pair[1]
    for name, value in changes.items():
        if name in ("every", "graph"):
            other = replace(other, island=replace(other.island, **{name: value}))
        else:
            other = replace(other, **{name: value})
    with pytest.raises(ConfigError, match=sentence):
        run_island(other)


def test_folder__of_other_data_is_refused_and_both_are_named(pair, tmp_path):
    other = write_plain(tmp_path / "other.h5", seed=1)
    with pytest.raises(ConfigError, match="a run with data '[0-9a-f]{64}', and this island has data '[0-9a-f]{64}'"):
        run_island(replace(pair[1], h5=(other,)))


@pytest.mark.parametrize("text", ["[]", "{}", '{"schema": "olacore/islands/2"}', "{"])
def test_folder__of_something_else_is_refused(pair, text):
    (pair[0].island.exchange / "run.json").write_text(text)
    with pytest.raises(FileFormatError, match=r"run\.json"):
        run_island(pair[1])


def test_folder__of_other_versions(pair, caplog):
    path = pair[0].island.exchange / "run.json"
    run = json.loads(path.read_text())
    path.write_text(json.dumps({**run, "versions": {**run["versions"], "numba": "0.1"}}))
    run_island(pair[1], should_stop=never_while_searching())
    assert "other islands have numba 0.1, this one" in caplog.text
    path.write_text(json.dumps({**run, "versions": {**run["versions"], "olacore": "0.1"}}))
    with pytest.raises(ConfigError, match=r"run olacore 0\.1, this one .*; run one version"):
        go_on(pair[1])


def test_folder__that_cannot_be_written_is_refused(plain, tmp_path, monkeypatch):
    config = island_configs(plain, tmp_path / "a", 2)[0]
    run_island(config, should_stop=never_while_searching())
    monkeypatch.setattr(post.os, "access", lambda path, mode: "exchange" not in str(path))
    with pytest.raises(OutputError, match="the exchange folder .* is not writable"):
        go_on(config)


def full(monkeypatch):
    """No more than one file fits the exchange folder."""
    write = migrants.replace_file

    def replace_file(path, content):
        if path.name.startswith(("000002", "latest")):
            raise OutputError(f"cannot write {path}: {os.strerror(errno.ENOSPC)}.")
        return write(path, content)

    monkeypatch.setattr(migrants, "replace_file", replace_file)


def test_folder__is_rid_of_what_nobody_reads_any_more(plain, tmp_path):
    configs = island_configs(plain, tmp_path / "run", 2, graph={1: (0,)})
    folder = configs[0].island.exchange

    def there(name):
        return sorted(path.name for path in (folder / name).glob("[0-9]*"))

    run_island(configs[0])
    assert there("island-1") == [f"00000{epoch}.safetensors" for epoch in (1, 2, 3, 4)]
    left = folder / "island-1" / ".000001.safetensors.0123456789abcdef.tmp"
    left.touch()  # a write that was killed
    run_island(configs[1])
    assert there("island-2") == []  # which nobody takes from
    run_island(replace(configs[0], resume=True))
    assert there("island-1") == []
    assert not left.exists()


def test_folder__full_ends_lockstep_and_the_run_goes_on_when_there_is_room(plain, tmp_path, monkeypatch):
    whole, stopped = (island_configs(plain, tmp_path / name, 1) for name in ("whole", "stopped"))
    run_island(whole[0])
    with monkeypatch.context() as patch:
        full(patch)
        with pytest.raises(OutputError, match=r"cannot write .*000002\.safetensors: No space left on device\."):
            run_island(stopped[0])
    run_island(replace(stopped[0], resume=True))
    assert_same_run(whole[0].out, stopped[0].out)


def test_resume__as_one_of_another_number_is_refused(pair):
    config = replace(pair[0], resume=True, island=replace(pair[0].island, count=3))
    with pytest.raises(ConfigError, match="a run with islands 2, and this island has islands 3"):
        run_island(config)
    config.island.exchange.joinpath("run.json").unlink()
    with pytest.raises(ConfigError, match=r"was started with island '1 of 2', not '1 of 3'; go on as"):
        run_island(config)


def test_resume__finds_its_exchange_folder_where_it_was_moved(plain, tmp_path):
    whole, moved = (island_configs(plain, tmp_path / name, 2) for name in ("whole", "moved"))
    run_in_threads(whole)
    for config in moved:
        run_island(config, should_stop=never_while_searching())
    place = moved[0].island.exchange.rename(tmp_path / "elsewhere")
    run_in_threads([replace(one, resume=True, island=replace(one.island, exchange=place)) for one in moved])
    for ours, theirs in zip(whole, moved, strict=True):
        assert_same_run(ours.out, theirs.out)


# ---------------------------------------------------------------- waiting


def test_waiting__says_for_whom_and_ends_when_asked(pair, monkeypatch, caplog):
    monkeypatch.setattr(post, "TOLD_AFTER", 0.0)
    assert go_on(pair[0]).stopped == "interrupted"
    assert "island-1 waits for island-2 to publish 000001" in caplog.text


def test_waiting__saves_what_is_there_once(pair, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", -1)
    saved, asked = [], iter(range(9))

    def keep(event):
        if isinstance(event, Saved):
            saved.append(event.generation)

    result = run_island(replace(pair[0], resume=True), [keep], lambda: next(asked) >= 5)
    assert (result.stopped, next(asked)) == ("interrupted", 6)
    assert saved == [2, 2]  # while it waits, and at the end


def test_waiting__is_for_the_neighbour_and_not_for_a_clock(pair):
    """One comes when the other waits for it."""
    waits = threading.Event()
    late = threading.Thread(target=lambda: (waits.wait(), run_island(pair[1])))
    late.start()
    result = run_island(replace(pair[0], resume=True), should_stop=waits.set)
    late.join()
    assert result.stopped == "generations"
    line = json.loads((pair[0].out / "log.jsonl").read_text().splitlines()[-1])
    assert line["awaited"] > 0


# ---------------------------------------------------------------- free running


def test_free__takes_what_is_there_and_waits_for_nobody(plain, tmp_path):
    configs = island_configs(plain, tmp_path / "free", 2, lockstep=False)
    for config in configs:
        assert run_island(config).stopped == "generations"
    taken = [load(config.out).training["migrated"] for config in configs]
    assert taken[0] == 0 < taken[1]
    assert not list(configs[0].island.exchange.glob("*/ended*"))
    line = json.loads((configs[1].out / "log.jsonl").read_text().splitlines()[-1])
    assert line["awaited"] == 0


def test_free__what_is_not_of_the_run_is_told_and_left_out(plain, tmp_path, caplog):
    configs = island_configs(plain, tmp_path / "free", 2, lockstep=False)
    run_island(configs[0])
    rewrite(configs[0].island.exchange / "island-1" / "latest.safetensors", settings="0" * 64)
    run_island(configs[1])
    assert load(configs[1].out).training["migrated"] == 0
    assert "island-2 goes on without migrants of island-1: " in caplog.text


def test_free__a_full_folder_is_told_and_the_search_goes_on(plain, tmp_path, monkeypatch, caplog):
    full(monkeypatch)
    config = island_configs(plain, tmp_path / "free", 2, lockstep=False)[0]
    with caplog.at_level(logging.WARNING):
        assert run_island(config).stopped == "generations"
    assert "island-1 goes on without publishing: cannot write" in caplog.text
