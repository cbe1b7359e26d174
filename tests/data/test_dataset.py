"""What a data set shows of its files, in whatever order they are read."""

import logging
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.data import Dataset, Source, find_nonfinite, iterate_once, open_dataset, write_pairs
from olacore.errors import DataError
from tests.support.data_samples import SIZE, SOURCES, make_rows, write_latents


def test_dataset__rows_in_the_order_asked(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5", (9,))
    whole = make_rows(0, 9)
    order = np.array([8, 0, 3, 3, 2])
    with open_dataset(path) as dataset:
        stored = dataset.read(("latents", "frames"), order)
        assert list(stored) == ["latents", "frames"]
        assert len(dataset.read(("frames",), np.empty(0, np.int64))["frames"]) == 0
    for name, array in stored.items():
        np.testing.assert_array_equal(array, whole[name][order])


def test_dataset__several_files_are_one(tmp_path: Path) -> None:
    one = write_latents(tmp_path / "one.h5", (5,))
    two = write_latents(tmp_path / "two.h5", (4,), first=5, capacity=4)
    with open_dataset([one, two]) as dataset:
        assert dataset.count == 9
        assert tuple(dataset.sources) == SOURCES * 2
        stored = dataset.read(("latents", "rows"), np.array([8, 4, 5, 0]))
        splits = {split: dataset.indices(split) for split in ("train", "validation", "held-out")}
    np.testing.assert_array_equal(stored["latents"][:, 0, 0, 0], [8, 4, 5, 0])
    np.testing.assert_array_equal(stored["rows"]["source"], [3 + 2, 1, 3 + 2, 0])
    np.testing.assert_array_equal(splits["train"], [0, 3, 6])
    np.testing.assert_array_equal(splits["validation"], [1, 4, 7])
    np.testing.assert_array_equal(splits["held-out"], [2, 5, 8])
    assert all(rows.dtype == np.int64 for rows in splits.values())


def test_dataset__rows_behind_the_counter_do_not_exist(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5", (5,))
    with open_dataset(path) as dataset:
        assert dataset.count == 5
        with pytest.raises(DataError, match=r"rows must lie in 0\.\.4; got 5\.\.5"):
            dataset.read(("frames",), np.array([5]))
        with pytest.raises(DataError, match=r"rows must lie in 0\.\.4; got -1"):
            dataset.read(("frames",), np.array([-1]))


def test_dataset__has_what_every_file_has(tmp_path: Path) -> None:
    with_recon = write_latents(tmp_path / "one.h5")
    without = write_latents(tmp_path / "two.h5", recon=False)
    with open_dataset(with_recon) as dataset:
        assert dataset.has("recon")
    with open_dataset([with_recon, without]) as dataset:
        assert dataset.has("frames")
        assert not dataset.has("recon")
        with pytest.raises(DataError, match=r"expected /recon in every file; .*one\.h5.*two\.h5"):
            dataset.read(("recon",), np.array([0]))


def test_dataset__unknown_split(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5")
    with open_dataset(path) as dataset, pytest.raises(DataError, match=r"'train'.*; got 'test'"):
        dataset.indices("test")


def test_dataset__source_in_two_splits_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    moved = [Source("a.png", "photograph", "held-out"), *SOURCES[1:]]
    paths = [write_latents(tmp_path / "one.h5"), write_latents(tmp_path / "two.h5", sources=moved)]
    with caplog.at_level(logging.WARNING), open_dataset(paths):
        assert "a.png is in train and held-out" in caplog.text


@pytest.mark.parametrize(("count", "parts"), [(100, (80, 10, 10)), (10, (8, 1, 1)), (3, (1, 1, 1))])
def test_dataset__pairs_of_any_user_are_split_in_order(tmp_path: Path, count: int, parts: tuple[int, int, int]) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file["inputs"], file["targets"] = np.ones((count, 2)), np.ones((count, 1), np.float16)
    with open_dataset(tmp_path / "p.h5") as dataset:
        splits = [dataset.indices(split) for split in ("train", "validation", "held-out")]
        assert not dataset.has("rows")
    assert tuple(map(len, splits)) == parts
    np.testing.assert_array_equal(np.concatenate(splits), np.arange(count))


def test_dataset__digest_follows_content_not_file(tmp_path: Path) -> None:
    path = write_latents(tmp_path / "a.h5", (5, 4))
    same = write_latents(tmp_path / "b.h5", (5, 4), capacity=20, settings={})
    held = [Source("a.png", "photograph", "held-out"), *SOURCES[1:]]
    others = [
        write_latents(tmp_path / "fewer.h5", (5,)),
        write_latents(tmp_path / "rows.h5", (5, 4), first=1),
        write_latents(tmp_path / "split.h5", (5, 4), sources=held),
    ]

    def digest(path: Path) -> str:
        with open_dataset(path) as dataset:
            return dataset.digest()

    assert digest(path) == digest(same)
    assert len(digest(path)) == 64
    assert len({digest(path), *map(digest, others)}) == 4


def test_dataset__digest_of_pairs_sees_every_part(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    split = np.zeros(20, np.uint8)
    digests = set()
    for number, change in enumerate((None, inputs, targets, split)):
        if change is not None:
            change[-1] = 1
        write_pairs(tmp_path / f"{number}.h5", inputs, targets, split)
        with open_dataset(tmp_path / f"{number}.h5") as dataset:
            digests.add(dataset.digest())
            assert dataset.digest() in digests
    assert len(digests) == 4


@pytest.mark.parametrize("name", ["frames", "latents", "recon", "rows"])
@pytest.mark.parametrize("row", [0, 4, 8])
def test_dataset__verify_finds_damage(tmp_path: Path, name: str, row: int) -> None:
    one, two = write_latents(tmp_path / "one.h5", (9,)), write_latents(tmp_path / "two.h5", (9,))
    with h5py.File(two, "r+") as file:
        value = file[name][row : row + 1]
        value.view(np.uint8).reshape(-1)[5] ^= 1
        file[name][row : row + 1] = value
    with open_dataset([one, two]) as dataset:
        assert list(dataset.verify()) == [9 + row]
    with open_dataset(one) as dataset:
        assert list(dataset.verify()) == []


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """20 pairs, each made of its own number."""
    path = tmp_path_factory.mktemp("pairs") / "p.h5"
    inputs = np.arange(20.0)[:, None]
    write_pairs(path, inputs, -inputs)
    with open_dataset(path) as dataset:
        yield dataset


@settings(deadline=None, max_examples=50)
@given(order=st.lists(st.integers(0, 19), max_size=20), batch=st.integers(1, 25))
def test_iterate_once__reads_all_in_order(numbered: Dataset, order: list[int], batch: int) -> None:
    parts = list(iterate_once(numbered, np.array(order, np.int64), ("inputs", "targets"), batch))
    batches = [arrays for _, arrays in parts]
    assert [int(index) for indices, _ in parts for index in indices] == order
    assert all(len(arrays["inputs"]) == batch for arrays in batches[:-1])
    assert [int(v) for arrays in batches for v in arrays["inputs"][:, 0]] == order
    assert [int(-v) for arrays in batches for v in arrays["targets"][:, 0]] == order


def test_find_nonfinite__counts_and_locates(tmp_path: Path) -> None:
    inputs, targets = np.ones((500, 3)), np.ones((500, 2))
    broken = [3, 77, 78, 400, 499]
    inputs[broken[::2], 1] = np.nan, np.inf, -np.inf
    targets[broken[1::2], 0] = np.nan
    write_pairs(tmp_path / "p.h5", inputs, targets)
    with open_dataset(tmp_path / "p.h5") as dataset:
        count, first = find_nonfinite(dataset, ("inputs", "targets"))
        assert (count, list(first)) == (5, broken)
        count, first = find_nonfinite(dataset, ("targets",))
        assert (count, list(first)) == (2, [77, 400])


def test_find_nonfinite__frames_are_always_finite(tmp_path: Path) -> None:
    with open_dataset(write_latents(tmp_path / "a.h5")) as dataset:
        assert dataset.size == SIZE
        count, first = find_nonfinite(dataset, ("frames", "latents"))
    assert (count, len(first)) == (0, 0)
