"""A report as tables."""

import io
import json

import pytest
from rich.console import Console

from bench.common import RESULTS
from bench.common.targets import Target
from bench.peers.tables import (
    growth_table,
    losses_table,
    problem_table,
    render,
    seconds_text,
    settings_text,
    speed_key,
    spread_text,
    times_text,
)


@pytest.fixture(scope="module")
def report():
    return json.loads((RESULTS / "2026-11-24-peers.json").read_text())


def test_render__shows_the_kept_report(report):
    console = Console(width=250, record=True, file=io.StringIO())
    for part in render(report, tuple(map(Target.from_dict, report["targets"]))):
        console.print(part)
    shown = console.export_text()
    for words in ("encoder-768-4: floor 0.01135 (least squares)", "cmaes, SepCMA", "what doubles", "Targets"):
        assert words in shown


def test_problem_table__has_all_methods_the_fastest_first(report):
    table = problem_table(report, "decoder-36-192")
    seconds = [row for row in report["methods"] if (row["problem"], row["loss"]) == ("decoder-36-192", "mse")]
    assert [row[0] for row in table.rows] == [row["title"] for row in sorted(seconds, key=speed_key)]
    assert {len(row) for row in table.rows} == {len(table.head)}
    assert table.head[-2:] == ["at 60 CPU-s", "settings"]


def test_losses_table__has_other_losses_than_the_squared_error(report):
    table = losses_table(report)
    assert {len(row) for row in table.rows} == {len(table.head)}
    assert {row[1] for row in table.rows} == {"mae", "huber"}


def test_growth_table__shows_what_was_not_reached_as_a_dash():
    seconds = {"1/4": None, "1/2": 0.25, "1/1": 1.5}
    table = growth_table({"growth": [{"problem": "p", "side": "rows", "seconds": seconds, "exponent": 2.585}]})
    assert table.rows == [["p", "rows", "1/4: -, 1/2: 0.25, 1/1: 1.5", "2.58"]]


def test_seconds_text__says_why_there_are_none():
    key = "seconds to 1.05"
    row = {key: {"median": None, "least": None, "largest": None}, "cap": 12.5, "ended": False}
    assert seconds_text(row, 1.05) == "over 12.5"
    assert seconds_text({**row, "ended": True}, 1.05) == "never"
    assert seconds_text({**row, key: {"median": 2.0, "least": 1.0, "largest": None}}, 1.05) == "2 (1 to -)"


def test_times_text__bounds_what_was_stopped():
    texts = [None, (5.0, False), (30.0, True), (50.0, True)]
    found = [
        times_text({"times ours to 1.05": given and {"ratio": given[0], "at_least": given[1]}}, 1.05) for given in texts
    ]
    assert found == ["-", "5", "over 30", "50 or more"]


def test_spread_text__shows_a_range_only_where_there_is_one():
    assert spread_text({"median": 1.0, "least": 1.0, "largest": 1.0}, 4) == "1.0000"
    assert spread_text({"median": 2.0, "least": 1.0, "largest": 3.0}, 1) == "2.0 (1.0 to 3.0)"
    assert spread_text({"median": 2.0, "least": 1.0, "largest": 3.0}, 1, False) == "2.0"


def test_settings_text__names_what_a_library_chose():
    row = {"settings": {"inputs": "whitened", "block": 256}, "notes": {"population": 16, "picked": "DE"}}
    assert settings_text(row) == "whitened, block 256, pop 16, DE"
