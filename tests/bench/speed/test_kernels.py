"""Every kernel is measured beside the ceiling that bounds it."""

from itertools import pairwise
from pathlib import Path

import pytest

import olacore.kernels
from bench.common.timing import Timing
from bench.speed import kernels
from bench.speed.kernels import one_and_all, scaling
from tests.support.bench_samples import ONCE, TINY_SIZE, check_rows


@pytest.mark.parametrize("threads", [1, 2])
def test_measure_kernels__knows_every_kernel(threads):
    rows = list(kernels.measure_kernels(ONCE, threads, TINY_SIZE))
    check_rows(rows)
    assert all(("over 1 thread" in row.shares) == (threads > 1) for row in rows)
    folder = Path(olacore.kernels.__file__).parent
    assert {row.name for row in rows} == {line.removeprefix("def ").partition("(")[0] for line in kernel_lines(folder)}


def kernel_lines(folder: Path):
    """The lines that begin the definition of a parallel kernel; those made for a user's loss are indented."""
    for path in sorted(folder.glob("*.py")):
        for line, after in pairwise(path.read_text().splitlines()):
            if line == "@kernel" or line.startswith("@handed_out("):
                yield after


def test_one_and_all__runs_on_one_thread_only_where_there_are_more():
    ran = []
    assert list(one_and_all(lambda: ran.append(1), 1)) == ["kernel"]
    sides = one_and_all(lambda: ran.append(1), 2)
    assert list(sides) == ["kernel", "one thread"]
    sides["one thread"]()
    assert ran == [1]


def test_scaling__is_one_threads_time_over_all():
    assert scaling({"kernel": Timing((1.0,)), "one thread": Timing((1.8,))}) == {"over 1 thread": 1.8}
    assert scaling({"kernel": Timing((1.0,))}) == {}
