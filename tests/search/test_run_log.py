"""The log of a run: at which times its lines were written, which runs a path names, and a log that grows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from olacore.errors import FileFormatError
from olacore.search.run_folder import RunFolder
from olacore.search.run_log import Follower, Followers, name_of, newest_in, read_config, runs_in, timed_log


def make_run(path, lines=(), module=None, config=None):
    folder = RunFolder(path, resume=True, force=False)
    folder.write_config(config or {"module": "encoder"})
    for line in lines:
        folder.log({"generation": line, "seconds": float(line)})
    if module is not None:
        folder.module.touch()
        os.utime(folder.module, (module, module))
    return folder


def stamp(path, when):
    os.utime(path, (when, when))


def test_timed_log__counts_back_from_when_the_file_was_written(tmp_path):
    folder = make_run(tmp_path / "run", (1, 5))
    folder.log({"generation": 9})
    folder.log({"generation": 10, "seconds": 8.0})
    stamp(folder.log_file, 1000)
    assert [(line["generation"], wall) for line, wall in timed_log(folder.path)] == [
        (1, 993), (5, 997), (9, 1000), (10, 1000)
    ]  # fmt: skip
    assert timed_log(tmp_path / "nothing") == []


@pytest.mark.parametrize(("text", "what"), [("[]", "must hold an object"), ("{", "no JSON")])
def test_read_config__names_what_is_damaged(tmp_path, text, what):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(FileFormatError, match=what):
        read_config(tmp_path)


def test_runs_in__finds_a_run_those_of_a_pair_and_those_of_a_folder(tmp_path):
    for name in ("one", "pair/encoder", "pair/decoder"):
        make_run(tmp_path / name, (1,))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text("{}")  # of another program
    assert runs_in(tmp_path / "one") == [tmp_path / "one"]
    assert runs_in(tmp_path / "pair") == [tmp_path / "pair" / "decoder", tmp_path / "pair" / "encoder"]
    assert runs_in(tmp_path) == [tmp_path / "one", tmp_path / "pair" / "decoder", tmp_path / "pair" / "encoder"]
    assert runs_in(tmp_path / "nothing") == []


def test_newest_in__is_what_was_begun_last(tmp_path):
    assert newest_in(tmp_path) == []
    for number, name in enumerate(("b", "c", "a")):
        stamp(make_run(tmp_path / name, (1,)).config, 1000 + number)
    assert newest_in(tmp_path) == [tmp_path / "a"]
    stamp(make_run(tmp_path / "pair" / "encoder", (1,)).config, 2000)
    assert newest_in(tmp_path) == [tmp_path / "pair"]


def test_name_of__says_which_pair_a_search_is_of(monkeypatch, tmp_path):
    assert name_of(Path("runs/encoder-0001")) == "encoder-0001"
    assert name_of(Path("runs/pair-0001/decoder")) == "pair-0001/decoder"
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    assert name_of(Path()) == "mine"
    assert name_of(Path("encoder")) == "encoder"


def test_follower__reads_what_is_new_and_a_cut_line_when_it_is_whole(tmp_path):
    run = Follower(tmp_path / "run")
    assert (run.poll(), run.lines, dict(run.last), run.ended(), run.age(0)) == (0, [], {}, False, None)
    folder = make_run(tmp_path / "run", (1, 2))
    assert (run.poll(), run.poll()) == (2, 0)
    with folder.log_file.open("a") as file:
        file.write('{"generation": 3, "sec')
    assert run.poll() == 0
    with folder.log_file.open("a") as file:
        file.write('onds": 3.5}\n')
    assert (run.poll(), run.last["seconds"], run.damaged) == (1, 3.5, 0)


def test_follower__leaves_damaged_lines_out_and_counts_them(tmp_path):
    folder = make_run(tmp_path / "run", (1,))
    with folder.log_file.open("ab") as file:
        file.write(b'\xff\xfe\n[]\n{"generation": "x"}\n\n{"generation": 2}\n{"gen')
    run = Follower(folder.path)
    assert (run.poll(), run.damaged) == (2, 4)


def test_follower__begins_anew_where_the_log_is_replaced(tmp_path):
    folder = make_run(tmp_path / "run", (1, 2, 3))
    run = Follower(folder.path)
    run.poll()
    folder.cut_log(2)
    folder.log({"generation": 7})
    run.poll()
    assert [line["generation"] for line in run.lines] == [1, 2, 7]
    folder.log_file.write_text("")
    run.poll()
    assert run.lines == []
    folder.clear()
    run.poll()
    assert run.age(0) is None


def test_follower__reads_a_log_larger_than_what_is_read_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("olacore.search.run_log.AT_ONCE", 100)
    folder = make_run(tmp_path / "run", range(50))
    assert Follower(folder.path).poll() == 50


def test_follower__names_a_log_that_cannot_be_read(tmp_path):
    (tmp_path / "run" / "log.jsonl").mkdir(parents=True)
    with pytest.raises(FileFormatError, match=r"cannot read .*log.jsonl: Is a directory"):
        Follower(tmp_path / "run").poll()


def test_follower__has_ended_when_the_module_is_written_last(tmp_path):
    folder = make_run(tmp_path / "run", (1,), module=1000)
    run = Follower(folder.path)
    for when, ended in ((999, True), (1000, True), (1001, False)):
        stamp(folder.log_file, when)
        assert run.ended() is ended
    assert run.age(1003) == 2
    folder.log_file.unlink()
    assert run.ended()


def test_followers__are_over_when_all_are_and_a_pair_has_its_decoder(tmp_path):
    runs = Followers([tmp_path / "one", tmp_path / "pair"])
    make_run(tmp_path / "one", (1,), module=2e9)
    runs.poll()
    assert (runs.missing, runs.over()) == ([tmp_path / "pair"], False)
    make_run(tmp_path / "pair" / "encoder", (1,), module=2e9, config={"module": "pair"})
    runs.poll()
    assert (runs.missing, runs.over(), [*runs.named()]) == ([], False, ["one", "pair/encoder"])
    make_run(tmp_path / "pair" / "decoder", (1,), module=2e9)
    runs.poll()
    assert (runs.over(), [*runs.named()]) == (True, ["one", "pair/encoder", "pair/decoder"])


def test_followers__name_runs_of_one_name_by_their_paths(tmp_path):
    for parent in ("a", "b"):
        make_run(tmp_path / parent / "run", (1,))
    runs = Followers([tmp_path / parent / "run" for parent in ("a", "b")])
    runs.poll()
    assert [*runs.named()] == [str(tmp_path / parent / "run") for parent in ("a", "b")]


def test_config__names_the_versions_that_ran(tmp_path):
    from olacore.version import __version__, versions

    assert versions()["olacore"] == __version__
    assert json.dumps(versions())
