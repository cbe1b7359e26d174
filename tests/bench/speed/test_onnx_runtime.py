"""Rows beside ONNX Runtime, and the busy loops that run beside both."""

import numpy as np
import pytest

from bench.speed import onnx_runtime, suite
from bench.speed.inference import STACK, random_input, random_module
from bench.speed.onnx_runtime import LOOPS, PARTS, SHARE, busy_loops, measure_beside_onnx_runtime, session_of
from bench.speed.targets import judge
from tests.support.bench_samples import ONCE, check_rows
from tests.support.makers import JIT

pytest.importorskip("onnxruntime")


@pytest.mark.skipif(not JIT, reason="ratios mean nothing without the JIT")
def test_rows__both_sides_idle_and_busy():
    rows = list(measure_beside_onnx_runtime(ONCE, 1, 16))
    check_rows(rows)
    assert len(rows) == 2 * 2 * 2 * 2
    names = {(row.part, row.name) for row in rows}
    for part in PARTS:
        assert {(part, "decode stack"), (part, "decode stack, ONNX Runtime"), (part, "encode")} <= names
    for row in rows:
        other = {"ONNX Runtime"} & {row.name.rpartition(", ")[2]}
        assert (SHARE in row.shares) != bool(other)
    shares = [row.shares[SHARE] for row in rows if row.shares]
    ratios = [a.value / b.value for a, b in zip(rows[::2], rows[1::2], strict=True)]
    np.testing.assert_allclose(shares, ratios)


def test_judge__reads_them():
    figures = [target.figure for target in judge([], threads=2)]
    assert "decode stack 512x512 beside ONNX Runtime, times ONNX Runtime's time" in figures
    assert "encode 512x512 beside ONNX Runtime and 2 busy loops, times ONNX Runtime's time" in figures


def test_session__runs_the_module_itself():
    module = random_module("decoder", STACK)
    latents = random_input("decode", 4, 16)[None]
    (found,) = session_of(module, 1).run(None, {"latents": latents})
    assert np.abs(found.astype(int) - module.run(latents)).max() <= 1


def test_busy_loops__run_inside_and_are_gone_after():
    with busy_loops(LOOPS) as loops:
        assert [loop.poll() for loop in loops] == [None] * LOOPS
    assert len(loops) == LOOPS
    assert all(loop.poll() is not None for loop in loops)
    with pytest.raises(KeyError), busy_loops(1) as loops:
        raise KeyError
    assert loops[0].poll() is not None


def test_suite__measures_where_it_is_installed(monkeypatch):
    def names() -> list[str]:
        return [name for name, _ in suite.plan_parts(suite.QUICK, 2, False, None)]

    assert onnx_runtime.is_there()
    assert "ONNX Runtime" in names()
    monkeypatch.setattr(onnx_runtime, "find_spec", lambda name: None)
    assert not onnx_runtime.is_there()
    assert "ONNX Runtime" not in names()
