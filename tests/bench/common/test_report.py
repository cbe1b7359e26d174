"""Reports: their beginning, and their way through JSON."""

import json
from datetime import UTC, datetime

import pytest

from bench.common import RESULTS
from bench.common.report import dated, describe_run, heading, read_report, write_report
from olacore.errors import FileFormatError, OutputError
from tests.support.bench_samples import MACHINE

SCHEMAS = {"peers": "olacore/peers-report/1", "ovae": "olacore/ovae/1", "2-cores": "olacore/bench/1"}


def test_describe_run__names_machine_versions_and_threads():
    begun = describe_run("olacore/test/1", 2, ["click"])
    assert list(begun) == ["schema", "machine", "versions", "threads"]
    assert (begun["schema"], begun["threads"]) == ("olacore/test/1", 2)
    assert "click" in begun["versions"]


def test_heading__is_one_line():
    line = heading({"machine": MACHINE, "versions": {"python": "3.11", "olacore": "0.2.0"}}, "2 threads", "quick")
    assert line == (
        "Some Processor [8] (znver5), 2 cores, 8.0 GB, openblas 0.3 SkylakeX; python 3.11, olacore 0.2.0; "
        "2 threads; quick"
    )


def test_dated__is_of_today():
    days = [f"{datetime.now(UTC):%Y-%m-%d}-speed", dated("speed"), f"{datetime.now(UTC):%Y-%m-%d}-speed"]
    assert days[0] <= days[1] <= days[2]


def test_read_report__gives_what_was_written(tmp_path):
    path = tmp_path / "report.json"
    write_report({"schema": "olacore/test/1", "rows": [1.5]}, path)
    assert read_report(path, "olacore/test/1", "ola test") == {"schema": "olacore/test/1", "rows": [1.5]}


def test_write_report__takes_nothing_that_json_does_not_know(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_report({"loss": float("inf")}, tmp_path / "report.json")
    with pytest.raises(OutputError, match="cannot write"):
        write_report({}, tmp_path / "none" / "report.json")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("no json", r"the report .*report\.json is no JSON: expecting value at line 1, column 1"),
        ("[1]", "has the schema None; a report of `ola test` has 'olacore/test/1'"),
        ('{"schema": "olacore/test/9"}', "has the schema 'olacore/test/9'"),
    ],
)
def test_read_report__refuses_what_is_no_report(tmp_path, content, sentence):
    path = tmp_path / "report.json"
    path.write_text(content)
    with pytest.raises(FileFormatError, match=sentence):
        read_report(path, "olacore/test/1", "ola test")


def test_read_report__says_what_is_missing(tmp_path):
    with pytest.raises(FileFormatError, match=r"cannot read the report .*none\.json: No such file"):
        read_report(tmp_path / "none.json", "olacore/test/1", "ola test")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_read_report__reads_every_kept_report(path):
    (schema,) = (schema for ending, schema in SCHEMAS.items() if path.stem.endswith(ending))
    report = read_report(path, schema, "ola test")
    assert heading(report)
    assert json.dumps(report["targets"])
