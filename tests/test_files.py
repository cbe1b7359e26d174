"""Files are the old one or the new one, whatever goes wrong, and nothing behind a link is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from olacore.errors import OutputError, OutputExistsError
from olacore.files import append_to_file, check_folder, check_output, make_folder, replace_file, write_folder
from tests.support.places import ROOT


@pytest.fixture
def victim(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "victim").write_bytes(b"mine")
    return folder / "victim"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize("name", ["a", "\u00e4" * 120, "a" * 255])
def test_replace_file__makes_and_replaces(folder, name):
    for content in (b"one", b"", bytes(1 << 20)):
        replace_file(folder / name, content)
        assert (folder / name).read_bytes() == content
        assert [*folder.iterdir()] == [folder / name]


@pytest.mark.parametrize("dangling", [False, True])
def test_replace_file__replaces_a_link_and_not_what_it_leads_to(folder, victim, dangling):
    path = folder / "out"
    path.symlink_to(victim.with_name("new") if dangling else victim)
    with pytest.raises(OutputExistsError, match="out is already there; give --force"):
        check_output(path, force=False)
    check_output(path, force=True)
    replace_file(path, b"new")
    assert not path.is_symlink()
    assert path.read_bytes() == b"new"
    assert [file.read_bytes() for file in victim.parent.iterdir()] == [b"mine"]


def test_replace_file__opens_no_name_that_can_be_guessed(folder, monkeypatch):
    opened, original = [], os.open

    def remember(path, flags, *mode):
        opened.append((Path(path).name, flags))
        return original(path, flags, *mode)

    monkeypatch.setattr(os, "open", remember)
    for _ in range(2):
        replace_file(folder / "a", b"x")
    monkeypatch.undo()
    (one, flags), (other, _) = opened
    assert one != other
    assert str(os.getpid()) not in (one.split(".")[2], other.split(".")[2])
    assert flags & (os.O_EXCL | os.O_NOFOLLOW | os.O_CREAT) == os.O_EXCL | os.O_NOFOLLOW | os.O_CREAT


def test_replace_file__follows_no_link_that_lies_at_its_temporary_name(folder, victim, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda count: "ff" * count)
    (folder / f".a.{'ff' * 8}.tmp").symlink_to(victim)
    with pytest.raises(OutputError, match="cannot write .*a: File exists"):
        replace_file(folder / "a", b"new")
    assert victim.read_bytes() == b"mine"


def test_replace_file__refuses_what_is_no_file(folder):
    (folder / "folder").mkdir()
    os.mkfifo(folder / "pipe")
    writes = [lambda path: replace_file(path, b"x")]
    writes += [lambda path, force=force: check_output(path, force=force) for force in (False, True)]
    for name, reason in (("folder", "it is a folder; name a file"), ("pipe", "it is a device or a pipe")):
        for write in writes:
            with pytest.raises(OutputError, match=f"cannot write .*{name}: {reason}"):
                write(folder / name)
    with pytest.raises(OutputError, match="cannot write .*nowhere/a: No such file or directory"):
        replace_file(folder / "nowhere" / "a", b"x")
    assert sorted(path.name for path in folder.iterdir()) == ["folder", "pipe"]


def test_append_to_file__adds_to_the_end(folder):
    for part in (b"one\n", b"two\n"):
        append_to_file(folder / "log", part)
    assert (folder / "log").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("dangling", [False, True])
def test_append_to_file__follows_no_link(folder, victim, dangling):
    (folder / "log").symlink_to(victim.with_name("new") if dangling else victim)
    with pytest.raises(OutputError, match="cannot write .*log: it is a link"):
        append_to_file(folder / "log", b"x")
    assert [file.read_bytes() for file in victim.parent.iterdir()] == [b"mine"]


def test_append_to_file__adds_all_or_nothing(folder, monkeypatch):
    append_to_file(folder / "log", b"one\n")
    original = os.write
    left = iter([3, 0])

    def fill(descriptor, content):
        if room := next(left):
            return original(descriptor, content[:room])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(OutputError, match="cannot write .*log: No space left on device"):
        append_to_file(folder / "log", b"another\n")
    assert (folder / "log").read_bytes() == b"one\n"


def test_write_folder__makes_it_in_one_step(folder, monkeypatch):
    seen, original = [], Path.replace

    def remember(source, target):
        seen.append((Path(target) == folder / "new", sorted(path.name for path in folder.rglob("*.txt"))))
        return original(source, target)

    monkeypatch.setattr(Path, "replace", remember)
    write_folder(folder / "new", {"a.txt": b"1", "b.txt": b"2"})
    assert seen[-1] == (True, ["a.txt", "b.txt"])  # both are there before the folder has its name
    assert [last for last, _ in seen] == [False, False, True]
    (folder / "empty").mkdir()
    write_folder(folder / "empty", {"a.txt": b"1"})
    assert [path.name for path in (folder / "empty").iterdir()] == ["a.txt"]
    assert sorted(path.name for path in folder.iterdir()) == ["empty", "new"]


def test_write_folder__replaces_files_and_keeps_others(folder):
    (folder / "mine").write_bytes(b"mine")
    (folder / "a").write_bytes(b"old")
    write_folder(folder, {"a": b"new", "b": b"2"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"mine": b"mine", "a": b"new", "b": b"2"}
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.mark.parametrize("path", [".", "..", "deeper/.."])
def test_write_folder__takes_folders_without_a_name(folder, monkeypatch, path):
    (folder / "deeper").mkdir()
    monkeypatch.chdir(folder / "deeper" if path == "." else folder)
    target = Path(path).resolve()
    before = sorted(target.iterdir())
    write_folder(Path(path), {"a": b"1"})
    assert sorted(target.iterdir()) == sorted([*before, target / "a"])
    assert target.samefile(path)


@pytest.mark.parametrize("why", ["link", "mount", "parent"])
def test_write_folder__fills_an_empty_folder_that_cannot_give_way(folder, monkeypatch, why):
    (folder / "real").mkdir()
    before = (folder / "real").stat().st_ino
    if why == "link":
        (folder / "link").symlink_to("real")
    elif why == "mount":
        monkeypatch.setattr("olacore.files.os.path.ismount", lambda path: path == folder / "real")
    else:
        monkeypatch.setattr("olacore.files.os.access", lambda path, mode: path != folder)
    write_folder(folder / ("link" if why == "link" else "real"), {"a": b"1", "b": b"2"})
    assert {path.name: path.read_bytes() for path in (folder / "real").iterdir()} == {"a": b"1", "b": b"2"}
    assert (folder / "real").stat().st_ino == before
    assert (folder / "link").is_symlink() == (why == "link")


def test_write_folder__leaves_nothing_behind_where_the_disk_is_full(folder, monkeypatch):
    def full(descriptor, content):
        raise OSError(28, "No space left on device")

    (folder / "there").mkdir()
    (folder / "there" / "a").write_bytes(b"old")
    monkeypatch.setattr(os, "write", full)
    for name in ("new", "there"):
        with pytest.raises(OutputError, match="cannot write .*a: No space left on device"):
            write_folder(folder / name, {"a": b"1", "b": b"2"})
    assert [path.name for path in folder.iterdir()] == ["there"]
    assert (folder / "there" / "a").read_bytes() == b"old"


def test_write_folder__refuses_what_is_no_folder(folder, victim):
    (folder / "file").write_bytes(b"mine")
    (folder / "link").symlink_to(victim.with_name("nowhere"))
    for name, named in (("file", "file"), ("file/deeper", "into .*file"), ("link", "link")):
        with pytest.raises(OutputError, match=f"cannot write .*{named}: "):
            write_folder(folder / name, {"a": b"1"})
    assert sorted(path.name for path in folder.iterdir()) == ["file", "link"]


def test_check_folder__wants_an_empty_one_or_force(folder):
    for path in (folder, folder / "new", folder / "new" / "deeper"):
        check_folder(path, force=False)
    (folder / "file").write_text("x")
    (folder / "link").symlink_to(folder / "nowhere")
    with pytest.raises(OutputExistsError, match="already holds files; give --force"):
        check_folder(folder, force=False)
    check_folder(folder, force=True)
    for name, what in (("file", "it"), ("link", "it"), ("file/deeper", ".*file")):
        with pytest.raises(OutputError, match=f"cannot write into .*{name}: {what} is no folder"):
            check_folder(folder / name, force=True)


def test_make_folder__makes_those_above_it(folder, monkeypatch):
    make_folder(folder / "a" / "b")
    make_folder(folder / "a" / "b")
    assert (folder / "a" / "b").is_dir()
    with pytest.raises(OutputError, match="cannot make the folder .*: File name too long"):
        make_folder(folder / ("x" * 300))
    monkeypatch.setattr("olacore.files.os.access", lambda *given: False)
    with pytest.raises(OutputError, match="cannot write into .*c: the folder .*b is not writable"):
        make_folder(folder / "a" / "b" / "c")
    assert not (folder / "a" / "b" / "c").exists()


# Writes a picture, a plot, a latent, a module, an export and baselines, each as large as a limit allows.
LIMITED = """
import resource, sys
from pathlib import Path
import numpy as np
from olacore.errors import OutputError
from olacore.exports import NumpyFile, OnnxFile
from olacore.exports.base import Part
from olacore.files import append_to_file
from olacore.media.pictures import write_picture
from olacore.media.plots import drawing
from olacore.modules.latent_file import StoredLatent, write_latent
from olacore.quality.baselines import Baselines
from olacore.search.checkpoint import save_checkpoint
from olacore.views.plain import Plain
from tests.support.makers import make_module
out = Path(sys.argv[1])
module, zeros = make_module(Plain(5, 3), space=None), np.zeros((3, 5), np.float32)
noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
def plot(path):
    with drawing(path, 1, 1) as figure:
        figure.add_subplot()
WRITERS = {
    "a.png": lambda path: write_picture(path, noise),
    "a.jpg": lambda path: write_picture(path, noise),
    "a.webp": lambda path: write_picture(path, noise),
    "plot.png": plot,
    "a.npy": lambda path: write_latent(path, StoredLatent(np.zeros((4, 8, 8), np.float32))),
    "a.npz": lambda path: write_latent(path, StoredLatent(np.zeros((4, 8, 8), np.float32))),
    "m.safetensors": module.save,
    "m.npz": lambda path: NumpyFile().write([Part.of("m", module)], path),
    "m.onnx": lambda path: OnnxFile().write([Part.of("m", module)], path),
    "b.safetensors": Baselines(zeros, zeros[:, 0], zeros[:, 0], "tanh", 0.1, 9, 0.5).save,
    "c.safetensors": lambda path: save_checkpoint(path, {"a": zeros}, {"generation": 1}),
    "log.jsonl": lambda path: append_to_file(path, b"x" * 700),
}
levels = 0
for name, write in WRITERS.items():
    path = out / name
    write(path)
    before = path.read_bytes()
    size = 2 * len(before) if name == "log.jsonl" else len(before)
    for limit in sorted({0, 1, size - 1, *range(0, size, max(1, size // 25))}):
        if name == "log.jsonl" and limit < len(before):
            continue
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(path)
        except OutputError as error:
            assert "\\n" not in str(error) and "File too large" in str(error), error
        else:
            raise AssertionError(f"{name} of {size} bytes was written within {limit}")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert path.read_bytes() == before, (name, limit)
        levels += 1
    assert sorted(file.name for file in out.iterdir()) == sorted([*WRITERS][: [*WRITERS].index(name) + 1])
print(levels)
"""


def test_outputs__that_outgrow_a_limit_leave_the_old_file(folder):
    """A limit on the size of files fails every write at some byte, as a full disk does."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-W", "ignore", "-c", LIMITED, str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stderr) == (0, "")
    assert int(run.stdout) > 250
