"""Tables, by themselves and beside an older report."""

import io
import os

import pytest
from rich.console import Console

from bench import render
from bench.common.machine import blas_note, foreign_note, foreign_seconds
from bench.speed.tables import figure, share_text
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
    assert verdicts == ["met", "not met", "not measured"]


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


def test_figure__has_three_digits_and_no_exponent():
    assert [figure(value) for value in (12345.6, 123.4, 12.345, 0.01234)] == ["12,346", "123", "12.3", "0.0123"]


def test_share_text__names_wholes_ratios_and_rates():
    shares = {"of sgemm": 0.5, "waiting": 0.01, "over torch": 4.0, "M genome-samples/s": 44.0}
    shown = [share_text(name, share) for name, share in shares.items()]
    assert shown == ["50.0% of sgemm", "1.0% waiting", "4x over torch", "44 M genome-samples/s"]


def test_blas_note__only_where_wide_registers_lie_idle():
    note = blas_note({"avx512": True, "blas": ["openblas 0.3.31 Haswell"]})
    assert note is not None
    assert "does not use this processor's AVX-512" in note
    assert blas_note({"avx512": True, "blas": ["openblas 0.3.31 SkylakeX"]}) is None
    assert blas_note({"avx512": False, "blas": ["openblas 0.3.31 Haswell"]}) is None


def test_foreign_note__only_where_other_work_runs():
    assert foreign_note(100.0, 100.5, 10.0) is None
    assert foreign_note(None, None, 10.0) is None
    note = foreign_note(100.0, 113.0, 10.0)
    assert note == f"other work took 1.3 of {os.cpu_count()} cores: figures on several threads are too low."


def test_foreign_seconds__leaves_this_process_out(monkeypatch):
    before = foreign_seconds()
    if before is None:
        pytest.skip("only Linux tells")
    monkeypatch.setattr("time.process_time", lambda: 1e9)
    assert foreign_seconds() < before - 1e8
