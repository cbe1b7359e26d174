"""A row is compared with its checksum the first time that it is read, whoever reads it."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import BlockStream, iterate_once, open_dataset
from olacore.data.open_file import Part
from olacore.errors import FileFormatError
from tests.support.data_samples import write_latents


def damage(path: Path, field: str, row: int) -> None:
    with h5py.File(path, "r+") as file:
        values = file[field][row]
        if field == "rows":
            values["pts"] += 1
        else:
            values.reshape(-1)[0] += 1
        file[field][row] = values


@pytest.mark.parametrize("field", ["frames", "latents", "recon", "rows"])
@pytest.mark.parametrize("asked", [("frames",), ("latents",), ("latents", "frames", "recon"), ("recon", "rows")])
def test_read__refuses_a_damaged_row_whatever_is_asked_for(tmp_path: Path, field: str, asked: tuple[str, ...]) -> None:
    one, two = write_latents(tmp_path / "one.h5"), write_latents(tmp_path / "two.h5", first=9)
    damage(two, field, 4)
    with open_dataset([one, two]) as dataset:
        dataset.read(asked, np.array([0, 12, 8, 14, 3]))
        with pytest.raises(FileFormatError, match=r"row 4 of .*two\.h5 is damaged: .* checksum"):
            dataset.read(asked, np.array([14, 13, 2]))
        assert dataset.verify() == [13]
        assert len(dataset.read(asked, np.array([13]), checked=False)[asked[0]]) == 1


def test_read__a_damaged_row_stays_damaged(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5")
    damage(path, "frames", 4)
    with open_dataset(path) as dataset:
        for _ in range(2):
            with pytest.raises(FileFormatError, match="row 4 of"):
                dataset.read(("frames",), np.arange(9))


def test_read__compares_each_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    differ = Part.differ
    monkeypatch.setattr(Part, "differ", lambda part, rows, found: compared.extend(rows) or differ(part, rows, found))
    with open_dataset(write_latents(tmp_path / "a.h5")) as dataset:
        dataset.read(("rows",), np.arange(9))
        assert compared == []
        for rows in ([3, 5, 4], [4, 8, 3], [0, 5]):
            dataset.read(("latents",), np.array(rows))
    assert compared == [3, 4, 5, 8, 0]


def test_read__in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are compared a few at a time, with those in between that are known already."""
    monkeypatch.setattr("olacore.data.open_file.PIECE_BYTES", 6000)
    path = write_latents(tmp_path / "a.h5")
    damage(path, "recon", 7)
    with open_dataset(path) as dataset:
        dataset.read(("frames",), np.array([1, 4]))
        with pytest.raises(FileFormatError, match="row 7 of"):
            dataset.read(("frames",), np.arange(9))
        assert dataset.verify() == [7]


def test_streams_and_passes__refuse_a_damaged_row(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5")
    damage(path, "frames", 6)
    with open_dataset(path) as dataset:
        stream = BlockStream(dataset, np.arange(9), ("latents",), 6, 100, seed=0)
        with stream, pytest.raises(FileFormatError, match="row 6 of"):
            next(stream)
        with pytest.raises(FileFormatError, match="row 6 of"):
            list(iterate_once(dataset, np.arange(9), ("latents",), 4))
