"""Blocks of samples: raw, as they are read, and packed, as the kernels read them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from olacore.kernels.layout import CHUNK, unpack_rows


@dataclass(frozen=True)
class RawBlock:
    """The samples of one block, before views are cut from them.

    Parameters
    ----------
    arrays : for each field (m, ...), the items that were read together; blocks share them: do not write
    indices : (m,) int64  where these items are in the data set
    item : (n,) int32  in [0, m), the item of each sample
    site : (n,) int32  the site of each sample in its item
    pass_ : how many whole passes went before
    seed : of the stream; with `indices` and `pass_` it fixes whatever random numbers a view adds
    """

    arrays: dict[str, np.ndarray]
    indices: np.ndarray
    item: np.ndarray
    site: np.ndarray
    pass_: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Block:
    """Samples as the kernels read them.

    Parameters
    ----------
    inputs : (chunks, in, CHUNK) float32, standardised
    targets : (out, n) float32 in (-1, 1)
    """

    inputs: np.ndarray
    targets: np.ndarray

    @property
    def rows(self) -> int:
        """Number of samples n."""
        return self.targets.shape[1]

    def parts(self, rows: int) -> Iterator[Block]:
        """Give the block in nearly equal parts of about so many samples, whole chunks each."""
        chunks = len(self.inputs)
        count = max(1, round(chunks * CHUNK / max(rows, CHUNK)))
        for number in range(count):
            first, last = chunks * number // count, chunks * (number + 1) // count
            targets = self.targets[:, first * CHUNK : last * CHUNK]
            yield Block(self.inputs[first:last], np.ascontiguousarray(targets))


def rows_of(block: Block) -> tuple[np.ndarray, np.ndarray]:
    """Return a block as plain arrays, inputs (n, in) and targets (n, out)."""
    inputs = np.empty((block.rows, block.inputs.shape[1]), np.float32)
    unpack_rows(block.inputs, inputs)
    return inputs, np.ascontiguousarray(block.targets.T)


def within(memory: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the first part of an array as one of this shape, or None if it is too small or there is none."""
    size = math.prod(shape)
    return None if memory is None or memory.size < size else memory.reshape(-1)[:size].reshape(shape)


def row_ranges(arrays: dict[str, np.ndarray], sites: int, most: int) -> Iterator[tuple[RawBlock, slice]]:
    """Give all samples of the items in `arrays`, item by item, at most so many at a time, with their places."""
    count = len(next(iter(arrays.values())))
    for start in range(0, count * sites, most):
        rows = np.arange(start, min(start + most, count * sites))
        item, site = np.divmod(rows, sites)
        raw = RawBlock(arrays, np.arange(count), item.astype(np.int32), site.astype(np.int32))
        yield raw, slice(start, start + len(rows))


def every_row(arrays: dict[str, np.ndarray], sites: int) -> RawBlock:
    """Return all samples of the items in `arrays` in order, item by item, as one raw block."""
    count = len(next(iter(arrays.values())))
    raw, _ = next(row_ranges(arrays, sites, count * sites))
    return raw


def noise_of(seeds: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the noise of rows that have seeds of their own: standard normal numbers, (m, *shape) float32.

    Parameters
    ----------
    seeds : (m,) uint64
    """
    out = np.empty((len(seeds), *shape), np.float32)
    for place, seed in enumerate(seeds.tolist()):
        out[place] = np.random.Generator(np.random.Philox(key=seed)).standard_normal(shape, np.float32)
    return out
