"""What a benchmark runs on, and what disturbs it."""

import os
from types import SimpleNamespace

import numpy
import pytest

from bench.common.machine import blas_note, describe_machine, describe_versions, foreign_note, foreign_seconds
from olacore.version import __version__


def test_describe_machine__has_what_decides_about_speed():
    machine = describe_machine()
    assert {"processor", "instructions", "avx512", "cores", "memory_gb", "blas", "threading", "wait_policy"} <= set(
        machine
    )
    assert machine["cores"] == os.cpu_count()
    assert machine["processor"]


def test_describe_versions__leaves_out_what_is_not_installed():
    versions = describe_versions(["click", "no-such-package"])
    assert versions["numpy"] == numpy.__version__
    assert versions["olacore"] == __version__
    assert "click" in versions
    assert "no-such-package" not in versions


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


def test_foreign_seconds__leaves_children_that_have_ended_out(monkeypatch):
    before = foreign_seconds()
    if before is None:
        pytest.skip("only Linux tells")
    monkeypatch.setattr("os.times", lambda: SimpleNamespace(children_user=5e8, children_system=5e8))
    assert foreign_seconds() < before - 1e8
