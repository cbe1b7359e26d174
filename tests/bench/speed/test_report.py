"""Rates, targets, and a report's way through JSON."""

import json

import pytest

from bench import Report, load
from bench.common.timing import Timing
from bench.speed.fused import CHILD, SHAPES
from bench.speed.report import Row, Target, latency_row, rate_row
from bench.speed.targets import judge, least_over_torch
from olacore.errors import FileFormatError
from tests.support.bench_samples import small_report

TIMING = Timing((0.5, 0.25, 1.0))


def row(part: str, name: str, shape: object, threads: int = 2, **shares: float) -> Row:
    return rate_row(part, name, str(shape), threads, TIMING, 1e9, "M row-samples/s", shares)


def test_rate_row__is_work_per_second():
    made = rate_row("kernels", "a", "3", 2, TIMING, 4e9, "GFLOP/s")
    assert (made.value, made.best) == (8.0, 16.0)
    assert (made.median_seconds, made.minimum_seconds, made.repeats) == (0.5, 0.25, 3)


def test_latency_row__is_milliseconds():
    made = latency_row("inference", "encode", "3", 2, TIMING)
    assert (made.value, made.best, made.unit) == (500.0, 250.0, "ms")


def test_speedup__is_above_one_where_it_became_faster():
    slow, fast = Timing((2.0,)), Timing((1.0,))
    rates = [rate_row("kernels", "a", "3", 2, timing, 1e9, "GB/s") for timing in (slow, fast)]
    latencies = [latency_row("inference", "a", "3", 2, timing) for timing in (slow, fast)]
    assert rates[1].speedup(rates[0]) == 2.0
    assert latencies[1].speedup(latencies[0]) == 2.0


@pytest.mark.parametrize(
    ("least", "measured", "met"), [(True, 2.0, True), (True, 1.9, False), (False, 2.0, False), (False, 1.9, True)]
)
def test_target__is_met_on_its_side_of_the_bound(least, measured, met):
    assert Target("figure", 2.0, least, "", measured).met is met


def test_target__is_neither_met_nor_missed_without_a_measurement():
    assert Target("figure", 2.0, True, "", None).met is None


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


def test_report__comes_back_from_json(tmp_path):
    report, path = small_report(), tmp_path / "report.json"
    report.save(path)
    assert load(path) == report
    assert Report.from_dict(report.to_dict()) == report
    stored = json.loads(path.read_text())
    assert [target["met"] for target in stored["targets"]] == [True, False, None]
    assert stored["rows"][0]["value"] == 20.0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("no json", "is no JSON; expected what"),
        ("[1]", "has the schema None"),
        ('{"schema": "olacore/bench/9"}', "has the schema 'olacore/bench/9'"),
        ('{"schema": "olacore/bench/1", "rows": []}', "is damaged: it makes no report"),
    ],
)
def test_load__refuses_what_is_no_report(tmp_path, content, sentence):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=sentence):
        load(path)


def test_load__says_what_is_missing(tmp_path):
    with pytest.raises(FileFormatError, match=r"cannot read the report .*none\.json: No such file"):
        load(tmp_path / "none.json")
