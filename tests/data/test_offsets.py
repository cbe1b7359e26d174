"""Rows read past HDF5 are those that HDF5 reads; what it alone can read is left to it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.data import open_dataset
from olacore.data.offsets import PIECE_BYTES, find_pieces, find_places, read_places
from olacore.errors import FileFormatError
from tests.support.data_samples import write_latents

COUNT, SHAPE = 40, (3, 5)
# Those above the line lie in the file as they are.
LAYOUTS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunk a row": {"chunks": (1, *SHAPE)},
    "chunk a row, in any order": {"chunks": (1, *SHAPE)},
    # ---
    "shared chunks": {"chunks": (4, *SHAPE)},
    "parts of rows": {"chunks": (1, 1, 5)},
    "compressed": {"chunks": (1, *SHAPE), "compression": "gzip"},
    "checksums": {"chunks": (1, *SHAPE), "fletcher32": True},
    "with holes": {"chunks": (1, *SHAPE), "fillvalue": 7},
}


def make_file(path: Path, dtype: str = "f4", userblock: int = 0) -> None:
    content = (np.arange(COUNT * 15) / 7).reshape(COUNT, *SHAPE).astype(dtype)
    with h5py.File(path, "w", userblock_size=userblock) as file:
        for name, layout in LAYOUTS.items():
            array = file.create_dataset(name, (COUNT, *SHAPE), dtype, **layout)
            order = np.random.default_rng(0).permutation(COUNT) if "order" in name else np.arange(COUNT)
            for row in order[: 30 if "holes" in name else COUNT]:
                array[row] = content[row]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[h5py.File]:
    path = tmp_path_factory.mktemp("places") / "a.h5"
    make_file(path)
    with h5py.File(path) as opened:
        yield opened


def test_find_places__only_of_what_lies_there_as_it_is(file: h5py.File) -> None:
    found = [name for name in LAYOUTS if find_places(file[name])]
    assert found == ["contiguous", "chunk a row", "chunk a row, in any order"]


class OfNoPlace:
    """An object of HDF5 whose index of chunks says of one that it lies nowhere, as a damaged one may."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def __getattr__(self, name: str) -> Any:
        return OfNoPlace(self.found.id) if name == "id" else getattr(self.found, name)

    def __len__(self) -> int:
        return len(self.found)

    def chunk_iter(self, note: Any) -> None:
        self.found.chunk_iter(note)
        note(h5py.h5d.StoreInfo(None, 0, 0, 60))


def test_find_places__passes_over_chunks_of_no_place(file: h5py.File) -> None:
    array = file["chunk a row"]
    rows = np.arange(COUNT)
    np.testing.assert_array_equal(find_places(OfNoPlace(array))(rows), find_places(array)(rows))


def test_find_places__none_in_a_file_with_a_block_before_it(tmp_path: Path) -> None:
    make_file(tmp_path / "a.h5", userblock=512)
    with h5py.File(tmp_path / "a.h5") as file:
        assert not any(find_places(file[name]) for name in LAYOUTS)


@pytest.mark.parametrize("dtype", ["f2", "f8", ">f4", "u1"])
def test_read_places__any_type_of_number(tmp_path: Path, dtype: str) -> None:
    make_file(tmp_path / "a.h5", dtype)
    rows = np.array([0, 1, 2, 7, 30, 39])
    with h5py.File(tmp_path / "a.h5") as file:
        array = file["contiguous"]
        places = find_places(array)
        assert places is not None
        out = np.empty((len(rows), *SHAPE), np.float32)
        read_places(file.id.get_vfd_handle(), places(rows), array.dtype, out)
        np.testing.assert_array_equal(out, array[rows].astype(np.float32))


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=60).map(sorted), name=st.sampled_from([*LAYOUTS][:3])
)
def test_read_places__what_hdf5_reads(file: h5py.File, rows: list[int], name: str) -> None:
    array = file[name]
    places = find_places(array)
    assert places is not None
    out = np.empty((len(rows), *SHAPE), np.float32)
    read_places(file.id.get_vfd_handle(), places(np.array(rows)), array.dtype, out)
    np.testing.assert_array_equal(out, array[:][rows])


@settings(deadline=None, max_examples=100)
@given(
    steps=st.lists(st.sampled_from([-(1 << 20), 0, 1, 1000, 2000, 3000, 4000, 1 << 22]), max_size=50),
    row_bytes=st.sampled_from([1000, PIECE_BYTES + 5]),
)
def test_find_pieces__whole_rows_near_each_other(steps: list[int], row_bytes: int) -> None:
    places = (1 << 30) + np.cumsum([0, *steps])
    pieces = [*find_pieces(places, row_bytes, 2000)]
    assert [row for begin, end in pieces for row in range(begin, end)] == [*range(len(places))]
    for begin, end in pieces:
        inside = np.diff(places[begin:end])
        assert np.isin(inside, [row_bytes, row_bytes + 1000, row_bytes + 2000]).all()
        assert end == begin + 1 or places[end - 1] + row_bytes - places[begin] <= PIECE_BYTES


def test_find_pieces__joins_neighbours_up_to_the_limit() -> None:
    places = np.arange(20_000) * 1000
    most = PIECE_BYTES // 1000
    assert [*find_pieces(places, 1000, 0)] == [(0, most), (most, 2 * most), (2 * most, 20_000)]
    assert [*find_pieces(places[::3], 1000, 1999)] == [(row, row + 1) for row in range(len(places[::3]))]


@pytest.mark.parametrize("field", ["frames", "latents", "rows"])
def test_dataset__a_file_that_loses_its_end(tmp_path: Path, field: str) -> None:
    path = write_latents(tmp_path / "a.h5", (9,))
    with open_dataset(path) as dataset:
        dataset.read((field,), np.arange(9))
        os.truncate(path, 512)
        with pytest.raises(FileFormatError, match=rf"rows 2 to 9 of /{field} in .*a\.h5 cannot be read: the file ends"):
            dataset.read((field,), np.arange(2, 9))


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system cannot be told what is read next")
def test_dataset__announces_all_that_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announced, read = [], []
    preadv = os.preadv

    def advise(descriptor: int, place: int, length: int, advice: int) -> None:
        assert not read
        announced.append((place, length))

    def noted(descriptor: int, buffers: list[memoryview], place: int) -> int:
        read.append((place, len(buffers[0])))
        return preadv(descriptor, buffers, place)

    monkeypatch.setattr(os, "posix_fadvise", advise)
    monkeypatch.setattr(os, "preadv", noted)
    # The frames of two runs of rows, and all latents between them in one piece.
    with open_dataset(write_latents(tmp_path / "a.h5", (40,), capacity=40)) as dataset:
        dataset.read(("frames", "latents"), np.array([0, 1, 30, 31]), checked=False)
    assert announced == read
    assert len(read) == 3


def test_dataset__compressed_by_someone_else(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.h5", tmp_path / "packed.h5"
    write_latents(plain, (9,))
    with h5py.File(plain) as one, h5py.File(packed, "w") as other:
        other.attrs.update(one.attrs)
        for name, array in one.items():
            other.create_dataset(name, data=array[:], chunks=array.chunks or True, compression="gzip", shuffle=True)
    with open_dataset(plain) as one, open_dataset(packed) as other:
        rows = np.array([5, 1, 1, 8])
        for name in ("frames", "latents", "recon", "rows"):
            np.testing.assert_array_equal(other.read((name,), rows)[name], one.read((name,), rows)[name])
        assert other.digest() == one.digest()
        assert other.verify() == []
