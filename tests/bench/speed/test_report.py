"""Rates, latencies, and a report's way through JSON."""

import json

import pytest

from bench import Report, load
from bench.common import RESULTS
from bench.common.timing import Timing
from bench.speed.report import latency_row, rate_row
from olacore.errors import FileFormatError
from tests.support.bench_samples import small_report

TIMING = Timing((0.5, 0.25, 1.0))


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


def test_report__comes_back_from_json(tmp_path):
    report, path = small_report(), tmp_path / "report.json"
    report.save(path)
    assert load(path) == report
    assert Report.from_dict(report.to_dict()) == report
    stored = json.loads(path.read_text())
    assert [target["met"] for target in stored["targets"]] == [True, False, None]
    assert stored["rows"][0]["value"] == 20.0


@pytest.mark.parametrize("name", ["2026-11-24-zen5-2-cores.json", "2026-11-27-zen3-2-cores.json"])
def test_load__reads_the_kept_reports(name):
    report = load(RESULTS / name)
    assert len(report.rows) > 50
    assert {target.met for target in report.targets} <= {True, False, None}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"schema": "olacore/bench/9"}', "has the schema 'olacore/bench/9'; a report of `ola bench --json` has"),
        ('{"schema": "olacore/bench/1", "rows": []}', "is damaged: quick is missing"),
    ],
)
def test_load__refuses_what_is_no_report(tmp_path, content, sentence):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=sentence):
        load(path)
