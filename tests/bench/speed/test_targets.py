"""Targets, read off the rows of a report."""

from bench.common.timing import Timing
from bench.speed.fused import CHILD, SHAPES
from bench.speed.report import Row, latency_row, rate_row
from bench.speed.targets import judge, least_over_torch

TIMING = Timing((0.5, 0.25, 1.0))


def row(part: str, name: str, shape: object, threads: int = 2, **shares: float) -> Row:
    return rate_row(part, name, str(shape), threads, TIMING, 1e9, "M row-samples/s", shares)


def test_judge__reads_the_rows():
    waiting = [
        row("training", name, "", waiting=0.1, passes=passes) for name, passes in (("encoder", 2), ("decoder", 0.5))
    ]
    rows = [
        row("fused loss", "score_population", SHAPES[3], **{"of sgemm": 0.7, "over torch": 1.3}),
        row("scaling", "score_population", SHAPES[3], 2, **{"over 1 thread": 1.9}),
        row("incremental", "rank-1 child", CHILD, **{"over scratch": 9.0}),
        *waiting,
    ]
    found = {target.figure: target for target in judge(rows, threads=2)}
    assert found[f"fused loss, share of sgemm, {SHAPES[3]}"].met is False
    assert found[f"fused loss over torch's best chain, {SHAPES[3]}"].met is True
    assert found[f"fused loss, 1 to 2 threads, {SHAPES[3]}"].met is True
    assert found["rank-1 child, incremental"].measured == 2000.0
    assert found["rank-1 child, incremental over from scratch"].met is True
    assert found["encode 512x512"].met is None
    assert found["encoder training, share of time waiting"].met is False
    # Less than one pass shows nothing: most of the file was never read while the search went on.
    assert found["decoder training, share of time waiting"].met is None


def test_judge__adds_encoder_and_decoder():
    rows = [latency_row("inference", name, "512x512", 2, TIMING) for name in ("encode stack", "decode stack")]
    found = {target.figure: target for target in judge(rows, threads=2)}
    assert found["stacks, encode and decode 512x512"].measured == 1000.0
    assert found["stacks, encode and decode 512x512"].met is False
    assert found["affine pair, encode and decode 512x512"].met is None


def test_least_over_torch__follows_the_width():
    assert [least_over_torch(inputs) for inputs in (36, 100, 144, 512)] == [4.0, 1.2, 1.2, 1.0]
