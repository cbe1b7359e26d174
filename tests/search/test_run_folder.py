"""The run folder: what it refuses, and a log that tells the same story as the checkpoint."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from olacore.errors import FileFormatError, OutputError, OutputExistsError
from olacore.search.run_folder import FILES, OLD_CHECKPOINT, RunFolder, next_free
from tests.support.killed import run_killed


@pytest.fixture
def folder(tmp_path):
    return RunFolder(tmp_path / "run", resume=False, force=False)


def test_run_folder__is_made_with_its_parents(tmp_path):
    RunFolder(tmp_path / "a" / "b", resume=False, force=False)
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("name", FILES)
def test_run_folder__that_holds_a_run_needs_resume_or_force(tmp_path, name):
    (tmp_path / name).write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(OutputExistsError, match="already holds a run; give --resume or --force"):
        RunFolder(tmp_path, resume=False, force=False)
    if name != OLD_CHECKPOINT:
        RunFolder(tmp_path, resume=True, force=False)
    assert (tmp_path / name).exists()
    folder = RunFolder(tmp_path, resume=False, force=True)
    assert (tmp_path / name).exists()
    folder.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_run_folder__that_holds_something_else_is_fine(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    RunFolder(tmp_path, resume=False, force=False)


def test_run_folder__that_cannot_be_written_is_named(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OutputError, match=r"cannot write into .*file: it is no folder"):
        RunFolder(file, resume=False, force=False)
    with pytest.raises(OutputError, match=r"cannot write into .*file/run: .*file is no folder"):
        RunFolder(file / "run", resume=False, force=False)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="the folder .* is not writable"):
        RunFolder(tmp_path / "run", resume=False, force=False)


def test_log__comes_back_line_by_line(folder):
    lines = [{"generation": n, "loss": 0.5 / n, "trust": [0, 1]} for n in (1, 2, 3)]
    for line in lines:
        folder.log(line)
    assert folder.read_log() == lines
    assert len(folder.log_file.read_text().splitlines()) == 3


def test_log__of_a_run_without_reports_is_empty(folder):
    assert folder.read_log() == []


@pytest.mark.parametrize("torn", ['{"generation": 4, "lo', "{", ""])
def test_cut_log__forgets_what_came_after_and_what_a_kill_tore(folder, torn):
    for generation in (2, 4, 6):
        folder.log({"generation": generation})
    with folder.log_file.open("a") as file:
        file.write(torn)
    folder.cut_log(4)
    folder.log({"generation": 5})
    kept = [json.loads(text)["generation"] for text in folder.log_file.read_text().splitlines()]
    assert kept == [2, 4, 5]


def test_cut_log__to_the_start_leaves_nothing(folder):
    folder.log({"generation": 1})
    folder.cut_log(0)
    assert folder.log_file.read_bytes() == b""


def test_log__names_a_log_that_cannot_be_written(folder):
    folder.log_file.mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*log.jsonl: Is a directory"):
        folder.log({"generation": 1})


def test_write_config__is_sorted_json(folder):
    folder.write_config({"b": 1, "a": [2]})
    assert json.loads(folder.config.read_text()) == {"a": [2], "b": 1}
    assert folder.config.read_text().index('"a"') < folder.config.read_text().index('"b"')


def test_next_free__is_the_first_gap(tmp_path, monkeypatch):
    assert next_free("encoder", tmp_path) == tmp_path / "encoder-0001"
    for name in ("encoder-0002", "decoder-0001"):
        (tmp_path / name).mkdir()
    assert next_free("encoder", tmp_path) == tmp_path / "encoder-0003"
    monkeypatch.chdir(tmp_path)
    assert next_free("decoder") == Path("runs/decoder-0001")


def test_held__leaves_no_folder_behind_a_failure(tmp_path):
    folder = RunFolder(tmp_path / "run", resume=False, force=False)
    with pytest.raises(KeyError), folder.held():
        raise KeyError
    assert not folder.path.exists()
    folder = RunFolder(tmp_path / "run", resume=False, force=False)
    (folder.path / "notes.txt").touch()
    with pytest.raises(KeyError), folder.held():
        raise KeyError
    assert folder.path.exists()


def test_held__removes_what_a_killed_save_left(tmp_path):
    folder = RunFolder(tmp_path / "run", resume=False, force=False)
    left, other = folder.path / ".checkpoint.safetensors.0123456789abcdef.tmp", folder.path / "notes.tmp"
    left.touch()
    other.touch()
    with folder.held():
        pass
    assert [*folder.path.iterdir()] == [other]


def test_held__keeps_a_second_search_out(folder):
    other = RunFolder(folder.path, resume=True, force=False)
    with folder.held(), pytest.raises(OutputError, match="run is being written by another process"), other.held():
        pass
    with other.held():
        pass


def test_held__sees_a_run_that_another_search_has_put_there(folder):
    other = RunFolder(folder.path, resume=False, force=False)
    with folder.held():
        folder.write_config({})
    with pytest.raises(OutputExistsError, match="already holds a run"), other.held():
        pass


def test_held__is_given_back_by_a_process_that_is_killed(folder):
    script = """
from olacore.search.run_folder import RunFolder
with RunFolder(path, resume=False, force=False).held():
    os.fsync(0)
"""
    run_killed(script, folder.path, 1)
    with folder.held():
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_held__goes_on_where_a_disk_has_no_locks(folder, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, "no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    with folder.held():
        folder.write_config({})


@pytest.mark.parametrize("name", FILES)
def test_run_folder__counts_a_link_that_leads_nowhere_as_a_run(tmp_path, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(tmp_path / "new")
    with pytest.raises(OutputExistsError, match="already holds a run"):
        RunFolder(tmp_path / "run", resume=False, force=False)
    folder = RunFolder(tmp_path / "run", resume=False, force=True)
    folder.clear()
    folder.log({"generation": 1})
    folder.write_config({})
    assert not (tmp_path / "new").exists()


def test_log__follows_no_link(folder, tmp_path):
    folder.log_file.symlink_to(tmp_path / "new")
    with pytest.raises(OutputError, match=r"cannot write .*log.jsonl: it is a link"):
        folder.log({"generation": 1})
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b'"x"', b'{"generation": "x"}', b'{"generation": 1.5}', b"\xff\xfe", b"{", b"[" * 9999, b""]
)
def test_read_log__names_a_line_that_is_damaged(folder, line):
    folder.log_file.write_bytes(b'{"generation": 1}\n' + line + b'\n{"generation": 2}\n')
    for read in (folder.read_log, lambda: folder.cut_log(1)):
        with pytest.raises(FileFormatError, match=r"line 2 of .*log.jsonl is (no JSON|damaged)"):
            read()
    assert folder.log_file.read_bytes().count(b"\n") == 3


def test_read_log__waits_for_no_pipe(folder):
    os.mkfifo(folder.log_file)
    with pytest.raises(FileFormatError, match=r"log.jsonl: it is no regular file"):
        folder.read_log()
