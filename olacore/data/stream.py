"""Streams of rows: shuffled blocks for training, a plain pass for measuring, a search for NaN and inf."""

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from olacore.blocks import RawBlock
from olacore.data.dataset import Dataset
from olacore.errors import ConfigError, DataError

# What a group of rows that is read at once may take, in bytes.
BUFFER_BYTES = 64 << 20
# Keeps the choice of captions apart from the orders of rows, which count from 0.
CHOICE = 1 << 63


@dataclass(frozen=True)
class Group:
    """Items that are in memory together, and their rows cut into blocks: each row is item * sites + site."""

    arrays: dict[str, np.ndarray]
    indices: np.ndarray
    blocks: list[np.ndarray]


class BlockStream:
    """Endless passes over all rows (item, site) in a seeded order, block by block.

    Each pass permutes the items and reads them in groups; the rows of a group are shuffled together and cut
    into nearly equal blocks. A thread reads the next group meanwhile, so at most two are held. The order
    depends on every parameter but `cursor`. A picture with several captions comes with one of them in each pass.

    Parameters
    ----------
    dataset : that rows are read from
    indices : items of the data set to go through
    fields : data sets to read
    sites_per_item : rows that each item gives
    block_rows : about how many rows a block has
    seed : in [0, 2**64)
    cursor : of an earlier equal stream: go on after the last block that it gave
    buffer_bytes : how much a group may take

    Attributes
    ----------
    rows_per_pass, blocks_per_pass : of one whole pass
    wait_seconds : spent waiting for the reading thread

    Raises
    ------
    DataError  if there are no items
    ConfigError  if a number is out of range, or the cursor is of another stream
    """

    def __init__(
        self,
        dataset: Dataset,
        indices: np.ndarray,
        fields: Sequence[str],
        sites_per_item: int,
        block_rows: int,
        seed: int,
        cursor: Mapping[str, int] | None = None,
        buffer_bytes: int = BUFFER_BYTES,
    ) -> None:
        if len(indices) == 0:
            raise DataError("expected at least one row to stream; got none: is the split empty?")
        if sites_per_item < 1 or block_rows < 1:
            raise ConfigError(f"sites and block rows must be positive; got {sites_per_item} and {block_rows}.")
        if not 0 <= seed < 1 << 64:
            raise ConfigError(f"a seed lies in 0..2**64 - 1; got {seed}.")
        self._dataset, self._fields = dataset, tuple(fields)
        self._indices = np.sort(indices)
        self._sites, self._seed = sites_per_item, seed
        self._chooses = dataset.chooses(self._fields)
        in_group = max(1, buffer_bytes // dataset.row_bytes(self._fields))
        groups = -(-len(indices) // in_group)
        self._bounds = [len(indices) * group // groups for group in range(groups + 1)]
        self._blocks = [
            max(1, round((last - first) * sites_per_item / block_rows))
            for first, last in zip(self._bounds, self._bounds[1:], strict=False)
        ]
        self.rows_per_pass = len(indices) * sites_per_item
        self.blocks_per_pass = sum(self._blocks)
        self.wait_seconds = 0.0
        self._kept: dict[str, np.ndarray] | None = None
        self._group: Group | None = None
        self._place = self._checked(cursor or {"pass": 0, "group": 0, "block": 0})
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="olacore-prefetch")
        self._coming: Future[Group] | None = self._pool.submit(self._load, *self._place[:2])

    @property
    def cursor(self) -> dict[str, int]:
        """The place of the next block."""
        return dict(zip(("pass", "group", "block"), self._place, strict=True))

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> RawBlock:
        if self._coming is None:
            raise DataError("the stream is closed; make a new one from its cursor.")
        pass_, number, block = self._place
        following = (pass_, number + 1) if number + 1 < len(self._blocks) else (pass_ + 1, 0)
        if self._group is None:
            started = time.perf_counter()
            self._group = self._coming.result()
            self.wait_seconds += time.perf_counter() - started
            self._coming = self._pool.submit(self._load, *following)
        group = self._group
        item, site = np.divmod(group.blocks[block], self._sites)
        if block + 1 < len(group.blocks):
            self._place = (pass_, number, block + 1)
        else:
            self._place = (*following, 0)
            self._group = None
        return RawBlock(group.arrays, group.indices, item.astype(np.int32), site.astype(np.int32), pass_, self._seed)

    def close(self) -> None:
        """Stop the reading thread; the cursor stays."""
        self._pool.shutdown(cancel_futures=True)
        self._coming = self._group = self._kept = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, cursor: Mapping[str, int]) -> tuple[int, int, int]:
        pass_, group, block = (cursor.get(key, -1) for key in ("pass", "group", "block"))
        if pass_ < 0 or not 0 <= group < len(self._blocks) or not 0 <= block < self._blocks[group]:
            raise ConfigError(f"the cursor {dict(cursor)} is of another stream: this one has blocks {self._blocks}.")
        return pass_, group, block

    def _load(self, pass_: int, number: int) -> Group:
        # Items in file order read fastest; shuffling the rows makes their order in a group immaterial.
        first, last = self._bounds[number], self._bounds[number + 1]
        order = self._random(pass_, 0).permutation(len(self._indices))
        indices = self._indices[np.sort(order[first:last])]
        arrays = self._kept or self._dataset.read(self._fields, indices, **self._choice(pass_, indices))
        if len(self._blocks) == 1 and not self._chooses:
            self._kept = arrays
        rows = self._random(pass_, number + 1).permutation(len(indices) * self._sites)
        return Group(arrays, indices, np.array_split(rows, self._blocks[number]))

    def _choice(self, pass_: int, indices: np.ndarray) -> dict[str, Any]:
        """Which caption each of these rows is read with in this pass, where they have several."""
        if not self._chooses:
            return {}
        return {"choice": self._random(pass_, CHOICE).integers(0, 1 << 62, self._dataset.count)[indices]}

    def _random(self, pass_: int, use: int) -> np.random.Generator:
        key = np.array([self._seed, pass_], np.uint64)
        return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, 0, 0, use], np.uint64)))


def iterate_once(
    dataset: Dataset, indices: np.ndarray, fields: Sequence[str], batch: int, *, checked: bool = True
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """One pass in the order given: indices (m,) and arrays (m, ...) of at most `batch` items at a time.

    Parameters
    ----------
    dataset : to read
    indices : (n,) rows, in any order
    fields : names of fields
    batch : items at a time, at most
    checked : compare rows with their checksums, as `Dataset.read` does
    """
    for start in range(0, len(indices), batch):
        part = indices[start : start + batch]
        yield part, dataset.read(fields, part, checked=checked)


def find_nonfinite(
    dataset: Dataset, fields: Sequence[str], first: int = 10, batch_bytes: int = 8 << 20
) -> tuple[int, np.ndarray]:
    """Count the rows with a NaN or inf in any of these fields; whoever uses the rows compares their checksums.

    Parameters
    ----------
    dataset : to look through
    fields : names of fields of floats
    first : how many indices to give
    batch_bytes : that are read at once

    Returns
    -------
    their number, and the indices of the first few, (k,) int64
    """
    batch = max(1, batch_bytes // dataset.row_bytes(fields))
    found = [np.empty(0, np.int64)]
    for indices, arrays in iterate_once(dataset, np.arange(dataset.count), fields, batch, checked=False):
        finite = [np.isfinite(array).reshape(len(indices), -1).all(1) for array in arrays.values()]
        found.append(indices[~np.logical_and.reduce(finite)])
    rows = np.concatenate(found)
    return len(rows), rows[:first]
