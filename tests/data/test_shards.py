"""A folder of shards, read as one data set."""

from pathlib import Path

import numpy as np
import pytest

from olacore.data import locked_folder, open_dataset, shard_paths, shards
from olacore.errors import FileFormatError, OutputError
from tests.support.data_samples import write_latents


def write_shards(folder: Path, rows: tuple[tuple[int, ...], ...]) -> list[Path]:
    folder.mkdir()
    paths = shard_paths(folder, len(rows))
    first = 0
    for path, parts in zip(paths, rows, strict=True):
        write_latents(path, parts, first=first)
        first += sum(parts)
    return paths


def test_folder__is_its_shards_in_order(tmp_path: Path) -> None:
    paths = write_shards(tmp_path / "many", ((4,), (3, 2), (1,)))
    assert [path.name for path in paths] == [f"shard-000{number}-of-0003.h5" for number in (1, 2, 3)]
    with open_dataset(tmp_path / "many") as folder, open_dataset(paths) as files:
        assert (folder.count, folder.file_count) == (10, 3)
        assert folder.digest() == files.digest()
        numbers = folder.read(("latents",), np.arange(10))["latents"][:, 0, 0, 0]
    np.testing.assert_array_equal(numbers, np.arange(10))


def test_folder__shards_without_rows_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_shards(tmp_path / "many", ((4,), ()))
    with open_dataset([tmp_path / "many"]) as data:
        assert (data.count, data.file_count) == (4, 1)
    assert "1 of 2 shards in" in caplog.text
    write_shards(tmp_path / "none", ((), ()))
    with pytest.raises(FileFormatError, match="none of 2 data files in .* has finished rows"):
        open_dataset(tmp_path / "none")


def test_folder__a_shard_that_others_tell_of_is_missed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    paths = write_shards(tmp_path / "many", ((4,), (3,), (2,), (1,)))
    paths[1].unlink()
    with open_dataset(tmp_path / "many") as data:
        assert data.count == 7
    assert f"{tmp_path / 'many'} lacks shard-0002-of-0004.h5: only the others are read" in caplog.text
    paths[0].unlink()
    with open_dataset(tmp_path / "many"):
        assert "lacks shard-0001-of-0004.h5, and 1 more: only" in caplog.text


def test_locked_folder__nobody_is_kept_out_where_there_are_no_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*asked: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shards, "fcntl", None)
    monkeypatch.setattr(shards.os, "open", refuse)  # as Windows does, of a folder
    with locked_folder(tmp_path), locked_folder(tmp_path):
        pass


def test_locked_folder__keeps_a_second_writer_out(tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(OutputError, match="is being written by another process"):  # noqa: SIM117
        with locked_folder(tmp_path):
            raise AssertionError
    with locked_folder(tmp_path):
        pass
