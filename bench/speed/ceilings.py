"""What the machine can do at best: a matrix product through NumPy, copying memory, reading a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.common.pages import drop_pages
from bench.common.timing import Action, Stopwatch
from bench.speed.report import Row, rate_row

PART = "ceilings"
# Beyond the last-level cache of common processors; each of source and target.
COPY_BYTES = 64 << 20
READ_BYTES = 4 << 20


def sgemm(rows: int, inputs: int, samples: int) -> Action:
    """A product (rows, in) x (in, n) in float32 into memory that is there already."""
    rng = np.random.default_rng(0)
    left = rng.standard_normal((rows, inputs), np.float32)
    right = rng.standard_normal((inputs, samples), np.float32)
    out = np.empty((rows, samples), np.float32)
    return lambda: np.matmul(left, right, out=out)


@contextmanager
def copying(threads: int, size: int = COPY_BYTES) -> Iterator[Action]:
    """Copy `size` bytes, a part in each of so many threads: reads and writes `size` bytes."""
    source, target = np.ones(size, np.uint8), np.zeros(size, np.uint8)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        yield lambda: list(pool.map(lambda part: np.copyto(*part), parts))


@contextmanager
def reading(folder: Path, size: int) -> Iterator[Action]:
    """Read a new file of `size` bytes from the start to the end, after its pages are dropped."""
    path, buffer = folder / "read.bin", np.empty(READ_BYTES, np.uint8)
    with path.open("wb") as file:
        for _ in range(0, size, READ_BYTES):
            file.write(np.random.default_rng(0).bytes(READ_BYTES))
        file.flush()
        os.fsync(file.fileno())

    def read() -> None:
        drop_pages(path)
        with path.open("rb", buffering=0) as file:
            while file.readinto(buffer.data):
                pass

    yield read


def measure_ceilings(watch: Stopwatch, threads: int, side: int, file_bytes: int) -> Iterator[Row]:
    """Measure the three ceilings.

    Parameters
    ----------
    side : of the square matrices
    file_bytes : size of the file
    """
    timing = watch.measure(sgemm(side, side, side))
    yield rate_row(PART, "sgemm", f"{side}x{side}x{side}", threads, timing, 2 * side**3, "GFLOP/s")
    for count in sorted({1, threads}):
        with copying(count) as copy:
            shape = f"{COPY_BYTES >> 20} MiB, read and write"
            yield rate_row(PART, "copy", shape, count, watch.measure(copy), 2 * COPY_BYTES, "GB/s")
    with tempfile.TemporaryDirectory() as folder, reading(Path(folder), file_bytes) as read:
        shape = f"{file_bytes >> 20} MiB, pages dropped"
        yield rate_row(PART, "file read", shape, 1, watch.measure(read), file_bytes, "GB/s")
