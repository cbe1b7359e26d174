"""Every part measures something, on sizes that take no time."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import bench
import olacore.kernels
from bench.common.timing import Stopwatch
from bench.speed import inference, kernels, suite
from bench.speed.cases import Block, Size
from bench.speed.ceilings import drop_pages, measure_ceilings
from bench.speed.fused import measure_fused, plain_rows
from bench.speed.report import Row
from bench.speed.suite import Extent
from bench.speed.training import Log, Plan, training_row
from olacore.kernels.layout import empty_packed, pack_rows_reference
from olacore.kernels.loss import score_population_reference
from tests.support.makers import JIT

ONCE = Stopwatch(repeats=1, shortest=0.0, sleep=lambda seconds: None)
SMALL = Size(2, 3, 5, 7)
TINY = Extent(ONCE, 4, 1, (SMALL,), SMALL, (), (16,), Plan(45, 256, 0.01, 1), False)


def check_rows(rows: list[Row]) -> None:
    assert len({row.key for row in rows}) == len(rows)
    for row in rows:
        assert row.best >= row.value > 0 or row.unit == "ms"
        assert np.isfinite(list(row.shares.values())).all()


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


@pytest.mark.parametrize("threads", [1, 2])
def test_measure_kernels__knows_every_kernel(threads):
    rows = list(kernels.measure_kernels(ONCE, threads, SMALL))
    check_rows(rows)
    assert all(("over 1 thread" in row.shares) == (threads > 1) for row in rows)
    folder = Path(olacore.kernels.__file__).parent
    assert {row.name for row in rows} == {line.removeprefix("def ").partition("(")[0] for line in kernel_lines(folder)}


def kernel_lines(folder: Path):
    """The lines that begin the definition of a parallel kernel; those made for a user's loss are indented."""
    for path in sorted(folder.glob("*.py")):
        yield from (after for line, after in pairwise(path.read_text().splitlines()) if line == "@kernel")


def test_measure_ceilings__has_all_three(tmp_path):
    rows = list(measure_ceilings(ONCE, 2, side=4, file_bytes=100))
    check_rows(rows)
    assert [(row.name, row.threads) for row in rows] == [("sgemm", 2), ("copy", 1), ("copy", 2), ("file read", 1)]


def test_drop_pages__keeps_the_content(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    drop_pages(path)
    assert path.read_bytes() == b"abc"


def test_plain_rows__undo_packing():
    x = np.random.default_rng(0).standard_normal((7, 5), np.float32)
    packed = empty_packed(7, 5)
    pack_rows_reference(x, packed)
    np.testing.assert_array_equal(plain_rows(packed, 7), x)


def test_torch_chains__give_the_loss_of_the_twin():
    pytest.importorskip("torch")
    from teachers.comparison.torch_kernels import scoring_chains

    block = Block.random(SMALL)
    expected = np.empty_like(block.biases)
    score_population_reference(block.weights, block.biases, block.packed, block.targets, expected)
    chains = scoring_chains(block.weights, block.biases, plain_rows(block.packed, SMALL.n), block.targets)
    for chain in chains.values():
        np.testing.assert_allclose(chain().numpy(), expected, rtol=1e-5)
        np.testing.assert_allclose(chain().numpy(), expected, rtol=1e-5)  # nothing is left over from the first call


def test_torch_threads__are_given_back():
    torch = pytest.importorskip("torch")
    from teachers.comparison.torch_kernels import torch_threads

    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_measure_fused__puts_torchs_best_chain_beside_the_kernel():
    pytest.importorskip("torch")
    rows = list(measure_fused(ONCE, 1, SMALL, torch=True))
    check_rows(rows)
    names = [row.name for row in rows if row.part == "fused loss"]
    assert names[:2] == ["score_population", "sgemm"]
    assert names[2] in ("torch linear", "torch addmm")
    assert {"of sgemm", "over torch"} <= set(rows[0].shares)


def test_measure_inference__compares_with_the_teacher_at_one_size(monkeypatch):
    class Slow:
        encode = decode = staticmethod(lambda pictures: pictures)

    monkeypatch.setattr(inference, "TEACHER_SIDE", 16)
    rows = list(inference.measure_inference(ONCE, 1, (8, 16), Slow()))
    check_rows(rows)
    names = [(row.name, row.shape) for row in rows]
    assert names[:3] == [("encode", "8x8"), ("decode", "8x8"), ("encode", "16x16")]
    assert {("teacher decode", "16x16"), ("encode stack", "16x16"), ("decode 5x5", "16x16")} <= set(names)
    assert len(rows) == 2 + 7 + 2
    for row in rows:
        compared = row.shape == "16x16" and "teacher" not in row.name and "16-channel" not in row.name
        assert ("over teacher" in row.shares) == compared


def test_training_row__measures_between_the_first_line_and_the_last(tmp_path):
    path = tmp_path / "data"
    path.touch()
    log = Log(path, seconds=4.0)
    assert not log.is_over()
    for second in range(5):
        log({"seconds": 10.0 + second, "samples": 100 * (1 + second), "waited": 7.0 + 0.1 * second})
    assert log.is_over()
    row = training_row("encoder", log, Plan(pictures=33, side=16, intervals=4), 2)
    assert row.value == pytest.approx(100)
    assert row.repeats == 4
    assert row.shares["waiting"] == pytest.approx(0.1)
    assert row.shares["passes"] == 500 / 4


def test_find_teacher__says_why_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr(suite, "TEACHER", tmp_path / "none")
    notes: list[str] = []
    assert suite.find_teacher(TINY, True, None, notes) is None
    assert suite.find_teacher(suite.FULL, True, None, notes) is None
    assert [note.partition(":")[0] for note in notes] == [
        "the teacher is not timed in the short form",
        "no teacher was named",
    ]


def test_import__pulls_in_neither_torch_nor_kernels():
    code = "import bench, sys; print(*sorted({'torch', 'numba', 'numpy', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_attribute__that_is_not_there():
    with pytest.raises(AttributeError, match="module 'bench' has no attribute 'speed'"):
        _ = bench.speed
