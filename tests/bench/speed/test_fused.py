"""The fused loss beside sgemm and torch, incremental scoring, tanh."""

import numpy as np
import pytest

from bench.speed.fused import measure_child, measure_fused, measure_tanh, plain_rows
from olacore.kernels.layout import empty_packed, pack_rows_reference
from tests.support.bench_samples import ONCE, TINY_SIZE, check_rows


def test_plain_rows__undo_packing():
    x = np.random.default_rng(0).standard_normal((7, 5), np.float32)
    packed = empty_packed(7, 5)
    pack_rows_reference(x, packed)
    np.testing.assert_array_equal(plain_rows(packed, 7), x)


def test_measure_fused__puts_torchs_best_chain_beside_the_kernel():
    pytest.importorskip("torch")
    rows = list(measure_fused(ONCE, 1, TINY_SIZE, torch=True))
    check_rows(rows)
    names = [row.name for row in rows if row.part == "fused loss"]
    assert names[:2] == ["score_population", "sgemm"]
    assert names[2] in ("torch linear", "torch addmm")
    assert {"of sgemm", "over torch"} <= set(rows[0].shares)


def test_measure_fused__has_a_row_for_each_number_of_threads():
    rows = list(measure_fused(ONCE, 2, TINY_SIZE, torch=False))
    check_rows(rows)
    assert [(row.part, row.name, row.threads) for row in rows] == [
        ("fused loss", "score_population", 2),
        ("fused loss", "sgemm", 2),
        ("scaling", "score_population", 1),
        ("scaling", "score_population", 2),
    ]
    assert "over torch" not in rows[0].shares
    assert "over 1 thread" in rows[3].shares


def test_measure_child__is_beside_scoring_from_scratch():
    row = measure_child(ONCE, 1, TINY_SIZE)
    check_rows([row])
    assert (row.name, row.unit, list(row.shares)) == ("rank-1 child", "M row-samples/s", ["over scratch"])


def test_measure_tanh__is_beside_numpys():
    rows = list(measure_tanh(ONCE, 2, elements=10))
    check_rows(rows)
    assert [(row.shape, row.threads, list(row.shares)) for row in rows] == [
        ("10", 1, ["over NumPy"]),
        ("10", 2, ["over NumPy"]),
    ]
