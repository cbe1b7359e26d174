"""What `LatentWriter` stores, refuses, resumes, locks and reserves."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset, write_pairs
from olacore.data.storage import INDEX_BYTES, create_file
from olacore.errors import ConfigError, DataError, DTypeError, OutputError, OutputExistsError, ShapeError
from olacore.spaces import LatentSpace
from tests.support.data_samples import SIZE, SOURCES, SPACE, make_rows, open_writer, part_of, write_latents
from tests.support.places import ROOT

# Runs with the tests' folder and the data file as arguments, in a process of its own.
PRELUDE = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.support.data_samples import *
path = Path(sys.argv[2])
"""


def run_python(code: str, path: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", PRELUDE + code, str(ROOT), str(path)]
    return subprocess.run(command, capture_output=True, text=True)


def test_writer__keeps_what_it_was_given(tmp_path: Path) -> None:
    content = make_rows(0, 9)
    with open_writer(tmp_path / "a.h5") as writer:
        writer.append(**content)
    with h5py.File(tmp_path / "a.h5") as file:
        for name in ("frames", "latents", "recon"):
            assert np.array_equal(file[name][:9], content[name])
        for name in content["rows"].dtype.names:
            assert np.array_equal(file["rows"][name][:9], content["rows"][name])
        assert file["frames"].chunks == (1, *SIZE, 3)
        assert file.attrs["schema"] == "olacore/latents/1"
        assert file.attrs["rows_valid"] == 9
        assert file.attrs["complete"] == 1
        assert json.loads(file.attrs["settings"]) == {"seed": 1, "resize": "area"}
        assert LatentSpace.from_dict(file.attrs) == SPACE


def test_writer__equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    content = make_rows(0, 9)
    write_latents(tmp_path / "once.h5", (9,))
    with open_writer(tmp_path / "parts.h5") as writer:
        for start in range(0, 9, 2):
            writer.append(**part_of(content, start, min(start + 2, 9)))
    assert (tmp_path / "once.h5").read_bytes() == (tmp_path / "parts.h5").read_bytes()


def test_writer__file_never_grows_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    writer = open_writer(path)
    size = path.stat().st_size
    writer.append(**make_rows(0, 12))
    writer.close()
    writer.close()
    assert path.stat().st_size == size
    assert [*tmp_path.iterdir()] == [path]


def test_writer__an_error_inside_leaves_the_file_incomplete(tmp_path: Path) -> None:
    def fail() -> None:
        with open_writer(tmp_path / "a.h5") as writer:
            writer.append(**make_rows(0, 3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert (dataset.count, dataset.complete) == (3, False)


def test_writer__converts_latents_to_half_precision(tmp_path: Path) -> None:
    content = make_rows(0, 2)
    exact = content["latents"].astype(np.float64) + 1e-7
    with open_writer(tmp_path / "a.h5") as writer:
        writer.append(**content | {"latents": exact})
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert np.array_equal(dataset.read(("latents",), np.arange(2))["latents"], exact.astype(np.float16))


def test_append__of_no_rows_changes_nothing(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.h5") as writer:
        before = (tmp_path / "a.h5").read_bytes()
        writer.append(**make_rows(0, 0))
        assert writer.rows_valid == 0
        assert (tmp_path / "a.h5").read_bytes() == before


def broken(name: str, change: Callable[[np.ndarray], np.ndarray | None]) -> dict[str, Any]:
    content = make_rows(0, 2)
    return content | {name: change(content[name])}


def with_source(rows: np.ndarray) -> np.ndarray:
    rows["source"] = 3
    return rows


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (make_rows(0, 13), ShapeError, "room for 12 rows; got 13"),
        (broken("recon", lambda a: None), ShapeError, r"stores \['frames', 'latents', 'recon'\]; got \['frames', 'lat"),
        (broken("frames", lambda a: a[:1]), ShapeError, r"frames must be \(2, 16, 24, 3\); got \(1, 16"),
        (broken("frames", lambda a: a / 255), DTypeError, "frames must be uint8; got float64"),
        (broken("latents", lambda a: a[:, :1]), ShapeError, r"latents must be \(2, 2, 2, 3\); got \(2, 1,"),
        (broken("latents", lambda a: a * np.nan), DataError, r"2 rows are not, first \[0 1\]"),
        (broken("latents", lambda a: a + np.float32(1e6)), DataError, "finite as float16"),
        (broken("rows", lambda a: a["source"]), DTypeError, "rows must be of type ROW, .* got int32"),
        (broken("rows", with_source), DataError, r"outside 0\.\.2"),
    ],
)
def test_append__refuses_what_does_not_fit(
    tmp_path: Path, content: dict[str, Any], error: type[Exception], message: str
) -> None:
    with open_writer(tmp_path / "a.h5") as writer:
        with pytest.raises(error, match=message):
            writer.append(**content)
        assert writer.rows_valid == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (16, 20)}, "multiples of 8; got 16 x 20"),
        ({"capacity": 0}, "got 0 rows from 3 sources"),
        ({"sources": ()}, "got 12 rows from 0 sources"),
        ({"force": True, "resume": True}, "got both"),
    ],
)
def test_writer__refuses_settings_out_of_range(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        open_writer(tmp_path / "a.h5", **changes)
    assert [*tmp_path.iterdir()] == []


def test_writer__leaves_an_existing_output_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_text("precious")
    with pytest.raises(OutputExistsError, match=r"a\.h5 is already there"):
        open_writer(path)
    assert path.read_text() == "precious"
    assert [*tmp_path.iterdir()] == [path]


def test_writer__force_replaces(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    path.write_text("worthless")
    write_latents(path, (9,), force=True)
    with open_dataset(path) as dataset:
        assert np.array_equal(dataset.read(("frames",), np.array([8]))["frames"], make_rows(0, 9)["frames"][8:])


def test_writer__holds_little_of_the_index(tmp_path: Path) -> None:
    count = 20_000
    with open_writer(tmp_path / "a.h5", capacity=count) as writer:
        for row in range(0, count, 20):
            assert writer._file["frames"].id.get_chunk_info_by_coord((row, 0, 0, 0)).size == 16 * 24 * 3
        held = writer._file.id.get_mdc_size()[2]
    assert 0 < held <= INDEX_BYTES


@pytest.mark.parametrize("name", ["missing/a.h5", "file/a.h5"])
def test_writer__names_an_output_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*a\.h5"):
        open_writer(tmp_path / name)


def test_resume__goes_on_where_it_stopped(tmp_path: Path) -> None:
    content = make_rows(0, 9)
    write_latents(tmp_path / "whole.h5", (9,))
    with open_writer(tmp_path / "parts.h5", resume=True) as writer:
        writer.append(**part_of(content, 0, 4))
    with open_writer(tmp_path / "parts.h5", resume=True) as writer:
        assert writer.rows_valid == 4
        writer.append(**part_of(content, 4, 9))
    assert (tmp_path / "whole.h5").read_bytes() == (tmp_path / "parts.h5").read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"size": (16, 16)}, r"size \[16, 24\], now it is \[16, 16\]"),
        ({"capacity": 13}, "capacity 12, now it is 13"),
        ({"recon": False}, "recon True, now it is False"),
        ({"settings": {"seed": 2, "resize": "area"}}, r"settings\[seed\] 1, now it is 2"),
        ({"settings": {"seed": 1}}, r"settings\[resize\] 'area', now it is None"),
        ({"sources": SOURCES[:2]}, r"source 2 .*c\.mp4.*, now it is None"),
        ({"space": replace(SPACE, maker_sha256="cd" * 32)}, "maker_sha256 'abab.*, now it is 'cdcd"),
    ],
)
def test_resume__names_both_values_of_a_changed_setting(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_latents(tmp_path / "a.h5")
    before = (tmp_path / "a.h5").read_bytes()
    with pytest.raises(ConfigError, match=message):
        open_writer(tmp_path / "a.h5", resume=True, **changes)
    assert (tmp_path / "a.h5").read_bytes() == before


@pytest.mark.parametrize("mode", ["resume", "force"])
def test_lock__refuses_a_second_writer(tmp_path: Path, mode: str) -> None:
    content = make_rows(0, 9)
    with open_writer(tmp_path / "a.h5") as writer:
        with pytest.raises(OutputError, match=r"a\.h5 is being written by another process"):
            open_writer(tmp_path / "a.h5", **{mode: True})
        result = run_python(f"open_writer(path, {mode}=True)", tmp_path / "a.h5")
        assert "OutputError" in result.stderr
        assert "is being written by another process" in result.stderr
        writer.append(**content)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.verify() == []
        assert dataset.count == 9


def test_lock__refuses_a_second_writer_while_the_file_is_made(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        with pytest.raises(OutputError, match=r"a\.h5\.partial is being written"):
            open_writer(tmp_path / "a.h5")

    os.close(create_file(tmp_path / "a.h5", 1, False, fill))


def test_lock__refuses_a_reader_elsewhere(tmp_path: Path) -> None:
    with open_writer(tmp_path / "a.h5") as writer:
        writer.append(**make_rows(0, 1))
        result = run_python("from olacore.data import open_dataset; open_dataset(path)", tmp_path / "a.h5")
    assert "FileFormatError" in result.stderr
    assert "is being written by another process" in result.stderr


def test_lock__is_given_back_after_an_error(tmp_path: Path) -> None:
    write_latents(tmp_path / "a.h5")
    with pytest.raises(ConfigError):
        open_writer(tmp_path / "a.h5", capacity=20, resume=True)
    open_writer(tmp_path / "a.h5", resume=True).close()


def test_space__a_file_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    path = tmp_path / "a.h5"
    write_latents(path)
    before = path.read_bytes()
    result = run_python(limit + "open_writer(path, capacity=1000, force=True)", path)
    assert "OutputError" in result.stderr
    assert "a.h5 needs 3,408,576 bytes" in result.stderr
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_space__is_really_set_aside(tmp_path: Path) -> None:
    write_latents(tmp_path / "a.h5", (1,), capacity=1000)
    status = (tmp_path / "a.h5").stat()
    assert status.st_blocks * 512 >= status.st_size > 1000 * 2 * 16 * 24 * 3


def test_space__a_full_disk_names_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, start: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OutputError, match=r"needs [\d,]+ bytes and [\d,]+ are free \(No space left on device\)"):
        open_writer(tmp_path / "a.h5")
    assert [*tmp_path.iterdir()] == []


def test_space__a_file_system_that_cannot_reserve_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, start: int, length: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    write_latents(tmp_path / "a.h5")
    monkeypatch.delattr(os, "posix_fallocate")
    write_latents(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_write_pairs__equal_content_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a.h5", "b.h5"):
        write_pairs(tmp_path / name, np.ones((5, 3)), np.ones((5, 2)))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_write_pairs__force_replaces(tmp_path: Path) -> None:
    write_pairs(tmp_path / "a.h5", np.ones((5, 3)), np.ones((5, 2)))
    write_pairs(tmp_path / "a.h5", np.ones((1, 1)), np.ones((1, 1)), force=True)
    with open_dataset(tmp_path / "a.h5") as dataset:
        assert dataset.count == 1
