"""Streams: whole passes in a seeded order, resumable, bounded in memory, with no thread left behind."""

import json
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from olacore.blocks import RawBlock
from olacore.data import BlockStream, Dataset, open_dataset
from olacore.errors import ConfigError, DataError, FileFormatError
from tests.support.data_samples import SITES, write_latents

ITEM_BYTES = 2 * 2 * 3 * 2
COUNT = 23


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dataset]:
    """23 items in two files; the first latent of each is its number."""
    folder = tmp_path_factory.mktemp("stream")
    one = write_latents(folder / "one.h5", (12,))
    two = write_latents(folder / "two.h5", (11,), first=12)
    with open_dataset([one, two]) as opened:
        yield opened


streams = st.fixed_dictionaries(
    {
        "indices": st.sets(st.integers(0, COUNT - 1), min_size=1).map(lambda s: np.array(sorted(s))),
        "sites_per_item": st.integers(1, 7),
        "block_rows": st.integers(1, 60),
        "seed": st.integers(0, 2**64 - 1),
        "buffer_bytes": st.integers(1, 30 * ITEM_BYTES),
    }
)


def open_stream(dataset: Dataset, **asked: Any) -> BlockStream:
    usual = {"indices": np.arange(COUNT), "sites_per_item": SITES, "block_rows": 20, "seed": 0}
    return BlockStream(dataset, fields=("latents",), **(usual | asked))


def row_numbers(block: RawBlock, sites: int) -> list[int]:
    """Number of each row in the data set, from the content that was read."""
    items = block.arrays["latents"][block.item, 0, 0, 0].astype(int)
    np.testing.assert_array_equal(block.indices[block.item], items)
    return [int(n) for n in items * sites + block.site]


def same_block(one: RawBlock, other: RawBlock) -> bool:
    equal = [np.array_equal(one.item, other.item), np.array_equal(one.site, other.site)]
    arrays = np.array_equal(one.arrays["latents"], other.arrays["latents"])
    return all(equal) and arrays and one.pass_ == other.pass_


def take_pass(stream: BlockStream, number: int) -> list[RawBlock]:
    """The blocks of the pass that the stream stands before."""
    blocks = []
    while stream.cursor["pass"] == number:
        blocks.append(next(stream))
    return blocks


def test_raw_block__is_frozen() -> None:
    numbers = np.zeros(1, np.int32)
    block = RawBlock({"frames": numbers}, numbers, numbers, numbers, 0)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'item'"):
        block.item = numbers  # type: ignore[misc]


@settings(deadline=None, max_examples=60)
@given(asked=streams)
def test_block_stream__each_pass_visits_each_row_once(dataset: Dataset, asked: dict[str, Any]) -> None:
    sites = asked["sites_per_item"]
    expected = [int(item) * sites + site for item in asked["indices"] for site in range(sites)]
    with open_stream(dataset, **asked) as stream:
        for number in range(3):
            blocks = take_pass(stream, number)
            assert {block.pass_ for block in blocks} == {number}
            assert sorted(row for block in blocks for row in row_numbers(block, sites)) == expected
            assert all(block.item.dtype == block.site.dtype == np.int32 for block in blocks)


@settings(deadline=None, max_examples=60)
@given(asked=streams, taken=st.integers(0, 40))
def test_block_stream__cursor_goes_on_where_it_was_taken(dataset: Dataset, asked: dict[str, Any], taken: int) -> None:
    with open_stream(dataset, **asked) as stream:
        for _ in islice(stream, taken):
            pass
        cursor = json.loads(json.dumps(stream.cursor))
        expected = list(islice(stream, 6))
    with open_stream(dataset, **asked, cursor=cursor) as resumed:
        assert resumed.cursor == cursor
        assert all(map(same_block, islice(resumed, 6), expected))


@settings(deadline=None, max_examples=30)
@given(asked=streams)
def test_block_stream__same_seed_same_order(dataset: Dataset, asked: dict[str, Any]) -> None:
    with open_stream(dataset, **asked) as one, open_stream(dataset, **asked) as two:
        assert all(map(same_block, islice(one, 12), islice(two, 12)))


@pytest.mark.parametrize("buffer_bytes", [5 * ITEM_BYTES, 1 << 20])
def test_block_stream__order_follows_seed_and_pass(dataset: Dataset, buffer_bytes: int) -> None:
    orders = []
    for seed in (0, 1):
        with open_stream(dataset, seed=seed, buffer_bytes=buffer_bytes) as stream:
            for number in range(2):
                blocks = take_pass(stream, number)
                orders.append(tuple(row for block in blocks for row in row_numbers(block, SITES)))
    assert len(set(orders)) == 4
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert tuple(sorted(orders[0])) not in orders


@settings(deadline=None, max_examples=40)
@given(block_rows=st.integers(1, 200))
def test_block_stream__blocks_are_nearly_equal(dataset: Dataset, block_rows: int) -> None:
    with open_stream(dataset, block_rows=block_rows) as stream:
        sizes = [len(block.item) for block in take_pass(stream, 0)]
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(block_rows, COUNT * SITES) // 2
    assert max(sizes) <= 2 * block_rows


def test_block_stream__small_split_is_read_once(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = []
    original = dataset.read
    monkeypatch.setattr(dataset, "read", lambda *asked: reads.append(asked) or original(*asked))
    with open_stream(dataset) as stream:
        for number in range(4):
            take_pass(stream, number)
    assert len(reads) == 1


def test_block_stream__holds_at_most_two_groups(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    alive, most = set(), []
    original = dataset.read

    def counting(*asked: Any) -> dict[str, np.ndarray]:
        arrays = original(*asked)
        key = len(most)
        alive.add(key)
        weakref.finalize(arrays["latents"], alive.discard, key)
        most.append(len(alive))
        return arrays

    monkeypatch.setattr(dataset, "read", counting)
    with open_stream(dataset, buffer_bytes=4 * ITEM_BYTES) as stream:
        for _ in range(60):
            next(stream)
    assert len(most) > 10
    assert max(most) <= 2


def test_block_stream__reader_error_reaches_the_consumer(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    original = dataset.read
    reads = []

    def failing(*asked: Any) -> dict[str, np.ndarray]:
        reads.append(asked)
        if len(reads) == 3:
            raise FileFormatError("rows 8 to 12 cannot be read.")
        return original(*asked)

    monkeypatch.setattr(dataset, "read", failing)
    with open_stream(dataset, buffer_bytes=4 * ITEM_BYTES) as stream:
        first_two = 2 * stream.blocks_per_pass // 6
        blocks = list(islice(stream, first_two))
        with pytest.raises(FileFormatError, match="rows 8 to 12 cannot be read"):
            next(stream)
    assert len(blocks) == first_two


def test_block_stream__close_leaves_no_thread(dataset: Dataset) -> None:
    before = set(threading.enumerate())
    stream = open_stream(dataset, buffer_bytes=4 * ITEM_BYTES)
    next(stream)
    assert set(threading.enumerate()) - before
    stream.close()
    assert not set(threading.enumerate()) - before
    stream.close()
    with pytest.raises(DataError, match="the stream is closed"):
        next(stream)


def test_block_stream__counts_its_waiting(dataset: Dataset) -> None:
    with open_stream(dataset) as stream:
        assert stream.wait_seconds == 0
        next(stream)
        assert stream.wait_seconds > 0


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"indices": np.empty(0, np.int64)}, DataError, "at least one row to stream; got none"),
        ({"block_rows": 0}, ConfigError, "must be positive; got 6 and 0"),
        ({"sites_per_item": 0}, ConfigError, "must be positive; got 0 and 20"),
        ({"seed": -1}, ConfigError, "a seed lies in .*; got -1"),
        ({"cursor": {"pass": 0, "group": 99, "block": 0}}, ConfigError, "99.* is of another stream"),
        ({"cursor": {"pass": 0, "group": 0, "block": 99}}, ConfigError, "99.* is of another stream"),
    ],
)
def test_block_stream__refuses_bad_settings(
    dataset: Dataset, asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        open_stream(dataset, **asked)


def peak_memory(path: Path) -> int:
    """Peak resident kB of a fresh process that streams one pass and searches for NaN."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom olacore.data import *\n"
        "with open_dataset(sys.argv[1]) as data:\n"
        "    fields = ('inputs', 'targets')\n"
        "    rows = data.indices('train')\n"
        "    with BlockStream(data, rows, fields, 1, 512, 0, buffer_bytes=4 << 20) as stream:\n"
        "        while stream.cursor['pass'] == 0:\n            next(stream)\n"
        "    find_nonfinite(data, fields)\n    data.digest()\n"
        "lines = Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_block_stream__memory_is_flat(tmp_path: Path) -> None:
    # Even the small file, 24 MB, is larger than all that is held of it at once.
    peaks = []
    for rows in (6_000, 60_000):
        with h5py.File(tmp_path / f"{rows}.h5", "w") as file:
            file.create_dataset("inputs", data=np.ones((rows, 1_000), np.float32))
            file.create_dataset("targets", data=np.ones((rows, 4), np.float32))
        peaks.append(peak_memory(tmp_path / f"{rows}.h5"))
    assert peaks[1] < 1.2 * peaks[0]
