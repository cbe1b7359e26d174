"""Plain pairs: what `write_pairs` stores and what it refuses."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from olacore.data import PairsWriter, open_dataset, write_pairs
from olacore.errors import ConfigError, DataError, DTypeError, OutputExistsError, ShapeError


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_write_pairs__round_trip(tmp_path: Path, dtype: type) -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(7, 3)).astype(dtype), rng.normal(size=(7, 2)).astype(dtype)
    split = np.array([0, 2, 1, 0, 0, 2, 1], np.uint8)
    write_pairs(tmp_path / "p.h5", inputs, targets, split)
    with open_dataset(tmp_path / "p.h5") as dataset:
        assert (dataset.kind, dataset.inputs, dataset.outputs, dataset.space) == ("pairs", 3, 2, None)
        stored = dataset.read(("inputs", "targets"), np.arange(7))
        np.testing.assert_array_equal(dataset.indices("held-out"), [1, 5])
    np.testing.assert_array_equal(stored["inputs"], inputs.astype(np.float32))
    np.testing.assert_array_equal(stored["targets"], targets.astype(np.float32))
    assert stored["inputs"].dtype == np.float32


@pytest.mark.parametrize(
    ("arrays", "error", "message"),
    [
        ((np.ones((4, 2)), np.ones((3, 1))), ShapeError, r"targets must be \(4, any\); got \(3, 1\)"),
        ((np.ones(4), np.ones((4, 1))), ShapeError, r"inputs must be \(4, any\); got \(4,\)"),
        ((np.ones((4, 2), int), np.ones((4, 1))), DTypeError, "inputs must be float16.*; got int64"),
        ((np.ones((4, 2)), np.ones((4, 1)), np.ones(4)), ShapeError, r"split must be uint8 \(4,\)"),
        ((np.ones((4, 2)), np.ones((4, 1)), np.full(4, 3, np.uint8)), DataError, "0, 1 and 2 only; got 3"),
    ],
)
def test_write_pairs__refuses_what_does_not_fit(
    tmp_path: Path, arrays: tuple[np.ndarray, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        write_pairs(tmp_path / "p.h5", *arrays)
    assert not list(tmp_path.iterdir())


def test_write_pairs__existing_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "p.h5"
    write_pairs(path, np.ones((4, 2)), np.ones((4, 1)))
    before = path.read_bytes()
    with pytest.raises(OutputExistsError, match=r"p\.h5 is already there"):
        write_pairs(path, np.zeros((4, 2)), np.zeros((4, 1)))
    assert path.read_bytes() == before


def test_pairs_writer__row_by_row(tmp_path: Path) -> None:
    path, split = tmp_path / "p.h5", np.array([0, 1, 2, 0], np.uint8)
    rows = np.arange(12.0).reshape(4, 3)
    with PairsWriter(path, (2, 1), split, {"seed": 1}) as writer:
        writer.append(rows[:3, :2], rows[:3, 2:])
        writer.append(rows[:0, :2], rows[:0, 2:])
        for inputs, error, message in (
            (rows[:2, :2], ShapeError, "room for 4 rows; got 5"),
            (rows[:1, :1], ShapeError, r"inputs must be \(1, 2\); got \(1, 1\)"),
            (np.full((1, 2), np.inf), DataError, r"inputs must be finite as float32; 1 row is not, first \[3\]"),
        ):
            with pytest.raises(error, match=message):
                writer.append(inputs, rows[: len(inputs), 2:])
    with open_dataset(path) as data:
        assert (data.count, data.split.tolist(), data.complete) == (3, [0, 1, 2], True)
    with pytest.raises(ConfigError, match=r"was made with settings\[seed\] 1, now it is 2"):
        PairsWriter(path, (2, 1), split, {"seed": 2}, resume=True)
    with PairsWriter(path, (2, 1), split, {"seed": 1}, resume=True) as writer:
        assert writer.rows_valid == 3
        writer.append(rows[3:, :2], rows[3:, 2:])
    with open_dataset(path) as data:
        np.testing.assert_array_equal(data.read(("targets",), np.arange(4))["targets"], rows[:, 2:])


@pytest.mark.parametrize("chunks", [None, (7,)])
def test_open_dataset__targets_of_one_number_each_may_be_flat(tmp_path: Path, chunks: tuple[int, ...] | None) -> None:
    inputs, targets = np.arange(40.0).reshape(20, 2), np.arange(20.0)
    with h5py.File(tmp_path / "mine.h5", "w") as file:
        file["inputs"] = inputs
        file.create_dataset("targets", data=targets, chunks=chunks)
    write_pairs(tmp_path / "ours.h5", inputs, targets)
    for name in ("mine.h5", "ours.h5"):
        with open_dataset(tmp_path / name) as data:
            assert (data.inputs, data.outputs) == (2, 1)
            found = data.read(("targets",), np.array([3, 0, 19, 7]))["targets"]
            np.testing.assert_array_equal(found, [[3], [0], [19], [7]])
