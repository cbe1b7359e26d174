"""Tables, by themselves and beside an older report."""

import io

from rich.console import Console

from bench import render
from bench.speed.tables import share_text
from tests.support.bench_samples import on_other_machine, small_report


def text(*reports) -> str:
    console = Console(width=250, record=True, file=io.StringIO())
    for part in render(*reports):
        console.print(part, soft_wrap=isinstance(part, str))
    return console.export_text()


def test_render__shows_machine_rows_targets_and_notes():
    shown = text(small_report())
    for words in (
        "Some Processor [8] (znver5), 2 cores, 8.0 GB",
        "openblas 0.3 SkylakeX",
        "2 threads (omp, passive)",
        "90.0% of sgemm",
        "note: torch is not installed",
    ):
        assert words in shown
    assert "new / old" not in shown
    verdicts = [line.rsplit("│", 2)[-2].strip() for line in shown.splitlines() if " 3 ms" in line or " 0.8 " in line]
    assert verdicts == ["yes", "no", "not measured"]


def test_render__shows_ratios_new_over_old():
    shown = text(small_report(), small_report(scale=3.0))
    assert shown.count("3.00x") == 2
    assert "warning" not in shown


def test_render__says_where_the_older_report_has_no_such_row():
    older = small_report()
    renamed = type(older).from_dict({**older.to_dict(), "rows": []})
    assert "new / old" in text(small_report(), renamed)
    assert "1.00x" not in text(small_report(), renamed)


def test_render__warns_of_another_machine():
    shown = text(small_report(), on_other_machine(small_report()))
    assert "the other report is of another machine (processor 'Another Processor', now 'Some Processor [8]')" in shown
    assert "versions differ: olacore 0.0.1, now 0.1.0" in shown
    assert "the other report is of 8 threads, this one of 2" in shown


def test_share_text__names_wholes_ratios_and_rates():
    shares = {"of sgemm": 0.5, "waiting": 0.01, "over torch": 4.0, "M genome-samples/s": 44.0}
    shown = [share_text(name, share) for name, share in shares.items()]
    assert shown == ["50.0% of sgemm", "1.0% waiting", "4x over torch", "44 M genome-samples/s"]
