"""The folder of compiled code: private, checked before anything in it is trusted, and only a few of it."""

import os
import resource

import pytest

from olacore.jit.folder import KEPT, cache_folder, read_entry, remove_oldest, source_key, write_entry

needs_owners = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="this system has no owners of files")
CODE = bytes(range(256)) * 8


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "olacore" / "key"


def mode(path):
    return path.stat().st_mode & 0o777


def test_entry__gives_back_what_was_written(folder):
    write_entry(folder, "name", CODE)
    assert read_entry(folder, "name") == CODE
    write_entry(folder, "name", CODE[1:])
    assert read_entry(folder, "name") == CODE[1:]
    assert [path.name for path in folder.iterdir()] == ["name"]


@needs_owners
def test_entry__is_private_whatever_the_umask(folder):
    before = os.umask(0)
    try:
        write_entry(folder, "name", CODE)
    finally:
        os.umask(before)
    assert [mode(path) for path in (folder.parent, folder, folder / "name")] == [0o700, 0o700, 0o600]


@needs_owners
@pytest.mark.parametrize("writable", [0o720, 0o702])
@pytest.mark.parametrize("which", ["home", "folder", "entry"])
def test_entry__others_may_have_written_it(folder, which, writable):
    write_entry(folder, "name", CODE)
    {"home": folder.parent, "folder": folder, "entry": folder / "name"}[which].chmod(writable)
    with pytest.raises(PermissionError, match="is another user's, or others may write to it"):
        read_entry(folder, "name")
    if which != "entry":
        with pytest.raises(PermissionError, match="is another user's, or others may write to it"):
            write_entry(folder, "other", CODE)


@needs_owners
def test_entry__of_another_user(folder, monkeypatch):
    write_entry(folder, "name", CODE)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(PermissionError, match="is another user's, or others may write to it"):
        read_entry(folder, "name")
    with pytest.raises(PermissionError, match="is another user's, or others may write to it"):
        write_entry(folder, "other", CODE)
    assert [path.name for path in folder.iterdir()] == ["name"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_read_entry__what_is_no_file_is_not_waited_for(folder):
    write_entry(folder, "name", CODE)
    for make in (os.mkfifo, os.mkdir):
        make(folder / "foreign")
        with pytest.raises(OSError, match="there is no file"):
            read_entry(folder, "foreign")
        (folder / "foreign").rename(folder / make.__name__)


@pytest.mark.parametrize("damage", ["empty", "short", "one bit", "longer"])
def test_read_entry__damaged(folder, damage):
    write_entry(folder, "name", CODE)
    content = (folder / "name").read_bytes()
    flipped = bytes([*content[:700], content[700] ^ 1, *content[701:]])
    damaged = {"empty": b"", "short": content[:-1], "one bit": flipped, "longer": content + b"\0"}[damage]
    (folder / "name").write_bytes(damaged)
    with pytest.raises(OSError, match="is damaged"):
        read_entry(folder, "name")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="this system does not limit the size of files")
def test_write_entry__a_full_disk_leaves_nothing_behind(folder):
    write_entry(folder, "name", CODE)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CODE), before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_entry(folder, "name", CODE[1:])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in folder.iterdir()] == ["name"]
    assert read_entry(folder, "name") == CODE


def test_cache_folder__is_below_the_users_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder("key") == tmp_path / "olacore" / "key"
    monkeypatch.setenv("XDG_CACHE_HOME", "not/absolute")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder("key") == tmp_path / ".cache" / "olacore" / "key"


def test_cache_folder__without_a_home(monkeypatch):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", no_home)
    with pytest.raises(FileNotFoundError, match="the user has no home"):
        cache_folder("key")


def test_source_key__is_of_every_source(monkeypatch, tmp_path):
    sources = [tmp_path / room / name for room in ("jit", "kernels") for name in ("one.py", "below/two.py")]
    for path in sources:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before", encoding="utf-8")
    monkeypatch.setattr("olacore.jit.folder.PACKAGE", tmp_path)
    keys = {source_key()}
    for path in sources:
        path.write_text("after", encoding="utf-8")
        keys.add(source_key())
    assert len(keys) == 5


def test_write_entry__keeps_the_folders_used_last(tmp_path):
    for number in range(KEPT + 2):
        folder = tmp_path / "olacore" / str(number)
        write_entry(folder, "name", CODE)
        os.utime(folder, (0, 1000 + number))
        read_entry(tmp_path / "olacore" / "0", "name")  # makes it the one used last
    assert {path.name for path in (tmp_path / "olacore").iterdir()} == {"0", *map(str, range(3, KEPT + 2))}


def test_remove_oldest__by_the_time_of_use(tmp_path):
    for age in range(KEPT + 2):
        (tmp_path / str(age)).mkdir()
        os.utime(tmp_path / str(age), (0, 1000 - age))
    remove_oldest(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {str(age) for age in range(KEPT)}
