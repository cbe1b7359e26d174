"""A report as sentences and tables."""

import json

import pytest

from bench.common import RESULTS
from bench.common.markdown import write_markdown
from bench.common.tables import Table
from bench.ovae.tables import backprop_of, contents, speed_of, training_of


@pytest.fixture(scope="module")
def report():
    return json.loads((RESULTS / "2026-11-25-ovae.json").read_text())


def test_contents__has_all_parts_of_the_kept_report(report):
    parts = list(contents(report))
    tables = [part for part in parts if isinstance(part, Table)]
    assert [table.title for table in tables] == [
        "SD 1.5: 21 whole held-out photographs",
        "",
        "SDXL: 21 whole held-out photographs",
        "SD 3: 21 whole held-out photographs",
        "Encode and decode one picture",
        "Training",
        "Evolved beside backprop",
        "Targets",
    ]
    for table in tables:
        assert {len(row) for row in table.rows} == {len(table.head)}
    text = write_markdown(parts)
    for line in (
        "| organic, paired | 27.14 | 0.7585 | 0.9367 | 0.7355 | 10.5 | 229.3 |",
        "At a quarter of the size, made smaller by area:",
        "| SD 1.5 pair: training | below 900 s | 83.06 | yes |",
    ):
        assert f"\n{line}\n" in text


def test_contents__leaves_out_what_was_not_done():
    empty = {"quality": {}, "speed": {}, "train": {}, "backprop": [], "targets": []}
    assert [part.title for part in contents(empty)] == ["Targets"]


def test_tables__show_a_dash_for_what_was_not_measured():
    rows = {"pair": {"median_ms": 5.392, "minimum_ms": 4.8, "over_teacher": None}}
    assert speed_of({"sd15": {"rows": rows, "side": 512}}).rows == [["SD 1.5, pair", "5.392", "4.8", "-"]]
    case = {
        "case": "a",
        "unit": "R2",
        "affine": 0.5,
        "evolved": [[9.4, 0.75]],
        "backprop": {},
        "best_rate": None,
        "ratio": None,
    }
    assert backprop_of([case]).rows == [["a, R2", "9", "0.5", "0.75", "-", "-", "-"]]


def test_training_of__adds_the_files_of_a_pair():
    run = {"seconds": 83.2, "cpu": 122.4, "files": {"a": {"bytes": 10472}, "b": {"bytes": 229320}}}
    assert training_of({"pair": run}).rows == [["pair", "83", "122", "10.5 + 229.3"]]
