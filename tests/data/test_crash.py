"""A latents file is readable, and its finished rows exact, wherever its writing stops."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from olacore.data import open_dataset
from olacore.data.full_disk import Disk
from tests.support.data_samples import make_rows, open_writer, part_of, write_latents
from tests.support.killed import run_killed

STEPS = (0, 1, 3, 4, 8, 9)


class LoggedFile(Disk):
    """A file that remembers every write, for HDF5 to write through."""

    def __init__(self, path: Path, log: list[tuple[int, bytes]]) -> None:
        super().__init__(path)
        self.log = log

    def write(self, data: Any) -> int:
        self.log.append((self.tell(), bytes(data)))
        return super().write(data)


def record_writing(
    path: Path, content: dict[str, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> tuple[bytes, list[tuple[int, bytes]], list[int], list[int]]:
    """Write a file in `STEPS`: its bytes before, every write, how many there were after each step and each sync."""
    log: list[tuple[int, bytes]] = []
    monkeypatch.setattr("olacore.data.appending.Disk", lambda path: LoggedFile(path, log))
    open_writer(path).close(complete=False)
    start = path.read_bytes()
    log.clear()
    done: list[int] = []
    syncs = [0]
    monkeypatch.setattr("os.fsync", lambda descriptor: syncs.append(len(log)))
    with open_writer(path, resume=True) as writer:
        for first, last in pairwise(STEPS):
            writer.append(**part_of(content, first, last))
            done.append(len(log))
    monkeypatch.undo()
    return start, log, done, syncs


def cuts_of(before: bytes, data: bytes) -> list[int]:
    """Where a write may be torn: after each fourth byte that it changes if they are few, as in that of the counter."""
    changed = np.flatnonzero(np.frombuffer(before, np.uint8) != np.frombuffer(data, np.uint8)) + 1
    return [int(length) for length in changed[::4]] if len(changed) <= 64 else [1, len(data) // 2, len(data)]


def rows_in(path: Path, content: dict[str, np.ndarray]) -> int:
    """How many finished rows a file that opens has; all must be exact."""
    with h5py.File(path) as file:
        if file.attrs["rows_valid"] == 0:
            return 0
    with open_dataset(path) as dataset:
        assert dataset.verify() == []
        got = dataset.read(("frames", "latents", "recon", "rows"), np.arange(dataset.count))
        got["rows"] = got["rows"][[*content["rows"].dtype.names]].astype(content["rows"].dtype)
        for name, array in got.items():
            assert np.array_equal(array, content[name][: dataset.count])
        return dataset.count


def test_writer__survives_a_cut_in_every_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_rows(0, 9)
    image, log, done, _ = record_writing(tmp_path / "a.h5", content, monkeypatch)
    assert len(log) > 3 * len(STEPS)
    cut_file = tmp_path / "cut.h5"
    for number, (offset, data) in enumerate(log):
        finished = STEPS[sum(after <= number for after in done)]
        for length in (*cuts_of(image[offset : offset + len(data)], data), len(data)):
            cut = bytearray(image)
            cut[offset : offset + length] = data[:length]
            cut_file.write_bytes(cut)
            rows = rows_in(cut_file, content)
            assert rows in STEPS
            assert rows >= finished
        image = bytes(cut)
    assert rows_in(cut_file, content) == 9
    assert image == (tmp_path / "a.h5").read_bytes()


def test_writer__survives_a_power_cut_that_loses_any_write_since_the_last_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_rows(0, 9)
    image, log, done, syncs = record_writing(tmp_path / "a.h5", content, monkeypatch)
    assert len(syncs) >= len(STEPS)
    cut_file = tmp_path / "cut.h5"
    for begin, end in pairwise([*syncs, len(log)]):
        safe = STEPS[sum(after <= begin for after in done)]
        for kept in (*([one] for one in range(begin, end)), *([*range(one, end)] for one in range(begin, end + 1))):
            cut = bytearray(image)
            for number in kept:
                offset, data = log[number]
                cut[offset : offset + len(data)] = data
            cut_file.write_bytes(cut)
            assert safe <= rows_in(cut_file, content)
        whole = bytearray(image)
        for offset, data in log[begin:end]:
            whole[offset : offset + len(data)] = data
        image = bytes(whole)
    assert image == (tmp_path / "a.h5").read_bytes()


def test_resume__after_a_cut_in_every_write_ends_in_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_rows(0, 9)
    image, log, _, _ = record_writing(tmp_path / "a.h5", content, monkeypatch)
    cut_file = tmp_path / "cut.h5"
    for offset, data in log:
        cut = bytearray(image)
        cut[offset : offset + len(data)] = data
        image = bytes(cut)
        cut_file.write_bytes(image)
        with open_writer(cut_file, resume=True) as writer:
            writer.append(**part_of(content, writer.rows_valid, 9))
        assert cut_file.read_bytes() == (tmp_path / "a.h5").read_bytes()


# The first sync is of the new file, then two follow each append.
WRITER = """
from tests.support.data_samples import *
content = make_rows(0, 9)
with open_writer(path) as writer:
    for first in range(0, 9, 3):
        writer.append(**part_of(content, first, first + 3))
"""


@pytest.mark.parametrize(("sync", "rows"), [(1, 0), (2, 0), (3, 0), (4, 3), (5, 3), (9, 9)])
def test_writer__survives_a_kill(tmp_path: Path, sync: int, rows: int) -> None:
    path = tmp_path / "a.h5"
    content = make_rows(0, 9)
    write_latents(tmp_path / "whole.h5", (9,))
    run_killed(WRITER, path, sync)
    if path.exists():
        assert rows_in(path, content) == rows
    with open_writer(path, resume=True) as writer:
        assert writer.rows_valid == rows
        writer.append(**part_of(content, rows, 9))
    assert path.read_bytes() == (tmp_path / "whole.h5").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.h5", "whole.h5"]
