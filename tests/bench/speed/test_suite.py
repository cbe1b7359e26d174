"""All parts in their order, on sizes that take no time."""

import sys

import pytest

import bench
from bench.speed import suite
from bench.speed.suite import Extent
from bench.speed.training import Plan
from tests.support.bench_samples import ONCE, TINY_SIZE, check_rows
from tests.support.makers import JIT

TINY = Extent(ONCE, 4, 1, (TINY_SIZE,), TINY_SIZE, (), (16,), Plan(45, 256, 0.01, 1), False)


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation without torch."""
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.skipif(not JIT, reason="training takes minutes without the JIT")
def test_run__measures_all_parts_without_torch(no_torch):
    seen: list[tuple[str, int, int]] = []
    report = bench.run(extent=TINY, progress=lambda *step: seen.append(step))
    assert {row.part for row in report.rows} == {
        "ceilings", "fused loss", "scaling", "incremental", "tanh", "inference", "training"
    }  # fmt: skip
    check_rows(list(report.rows))
    assert "torch is not installed: its rows and the teacher's are left out." in report.notes
    assert not [row for row in report.rows if "torch" in row.name or "teacher" in row.name]
    assert report.threads >= 1
    assert report.machine["threading"] in ("omp", "tbb", "workqueue")
    assert {"python", "numpy", "numba", "olacore"} <= set(report.versions)
    assert [done for _, done, _ in seen] == list(range(len(seen)))
    assert bench.Report.from_dict(report.to_dict()) == report
    assert bench.render(report, report)


def test_extents__repeat_at_least_five_times():
    assert min(suite.FULL.watch.repeats, suite.QUICK.watch.repeats) >= 5
    assert set(suite.QUICK.shapes) < set(suite.FULL.shapes)


def test_find_teacher__says_why_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "TEACHER", tmp_path / "none")
    notes: list[str] = []
    assert suite.find_teacher(TINY, True, None, notes) is None
    assert suite.find_teacher(suite.FULL, True, None, notes) is None
    assert [note.partition(":")[0] for note in notes] == [
        "the teacher is not timed in the short form",
        "no teacher was named",
    ]
