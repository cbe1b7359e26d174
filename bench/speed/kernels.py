"""Every kernel at small, medium and large shapes, beside the ceiling that bounds it."""

from __future__ import annotations

from collections.abc import Iterator

from bench.common.timing import SETTLE, Action, Stopwatch, Timing, paired_ratio
from bench.speed.cases import Case, Size
from bench.speed.ceilings import COPY_BYTES, copying, sgemm
from bench.speed.compute_cases import codec_cases, genome_cases, product_cases, trial_cases, unit_cases
from bench.speed.memory_cases import (
    gather_cases,
    layout_cases,
    population_cases,
    random_cases,
    retina_cases,
    window_cases,
    word_cases,
)
from bench.speed.report import Row, rate_row
from olacore.embed.checked import threads as running_on

PART = "kernels"
SMALL, MEDIUM, LARGE = Size(4, 16, 36, 256), Size(40, 64, 128, 2048), Size(40, 192, 144, 8192)


def measure_kernels(watch: Stopwatch, threads: int, size: Size) -> Iterator[Row]:
    """Time every kernel at one size; what fits a cache may exceed the copy through memory that is its ceiling."""
    product = sgemm(size.rows, size.inputs, size.n)
    for case in (*product_cases(size), *codec_cases(size.n)):
        yield product_row(watch, threads, case, size, product)
    with copying(threads) as copy:
        for case in moving_cases(size):
            yield moving_row(watch, threads, case, copy)


def moving_cases(size: Size) -> Iterator[Case]:
    """All kernels without a matrix product."""
    yield from trial_cases(size)
    yield from unit_cases(size)
    yield from genome_cases(size)
    yield from random_cases(size)
    yield from population_cases(size)
    yield from layout_cases(size)
    yield from gather_cases(size.n)
    yield from window_cases(max(1, size.n // 4096))
    yield from retina_cases(max(1, size.n // 256))
    yield from word_cases(max(1, size.n // 8))


def product_row(watch: Stopwatch, threads: int, case: Case, size: Size, product: Action) -> Row:
    """A kernel beside sgemm of the size, rate by rate."""
    timings = watch.compare({**one_and_all(case.action, threads), "sgemm": product}, SETTLE)
    kernel = timings["kernel"]
    shares = {
        "of sgemm": paired_ratio(timings["sgemm"], kernel) * case.work / size.flops,
        **scaling(timings),
        "M genome-samples/s": size.pop * size.n / kernel.median / 1e6,
    }
    return rate_row(PART, case.name, case.shape, threads, kernel, case.work, case.unit, shares)


def moving_row(watch: Stopwatch, threads: int, case: Case, copy: Action) -> Row:
    """A kernel beside copying memory."""
    assert case.traffic is not None
    timings = watch.compare({**one_and_all(case.action, threads), "copy": copy})
    kernel = timings["kernel"]
    share = paired_ratio(timings["copy"], kernel) * case.traffic / (2 * COPY_BYTES)
    return rate_row(
        PART, case.name, case.shape, threads, kernel, case.work, case.unit, {"of copy": share, **scaling(timings)}
    )


def one_and_all(action: Action, threads: int) -> dict[str, Action]:
    """A kernel on the threads that are set, and on one where there are more."""

    def single() -> None:
        with running_on(1):
            action()

    return {"kernel": action, "one thread": single} if threads > 1 else {"kernel": action}


def scaling(timings: dict[str, Timing]) -> dict[str, float]:
    """How much faster a kernel is on all threads than on one."""
    if "one thread" not in timings:
        return {}
    return {"over 1 thread": paired_ratio(timings["one thread"], timings["kernel"])}
