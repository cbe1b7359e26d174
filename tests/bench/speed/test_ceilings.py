"""What the machine can do at best."""

import numpy as np

from bench.speed.ceilings import copying, measure_ceilings, reading, sgemm
from tests.support.bench_samples import ONCE, check_rows


def test_measure_ceilings__has_all_three(tmp_path):
    rows = list(measure_ceilings(ONCE, 2, side=4, file_bytes=100))
    check_rows(rows)
    assert [(row.name, row.threads) for row in rows] == [("sgemm", 2), ("copy", 1), ("copy", 2), ("file read", 1)]


def test_sgemm__is_a_product_in_memory_that_is_there():
    action = sgemm(3, 4, 5)
    first = action()
    assert first.shape == (3, 5)
    assert action() is first
    assert np.isfinite(first).all()


def test_copying__copies_every_byte():
    with copying(3, size=100) as copy:
        assert len(list(copy())) == 3


def test_reading__writes_a_file_and_reads_it(tmp_path):
    with reading(tmp_path, 100) as read:
        assert (tmp_path / "read.bin").stat().st_size >= 100
        read()
