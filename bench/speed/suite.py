"""The whole benchmark: which parts run, in which order, and how long each may take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numba

from bench.common.datasets import MODELS
from bench.common.machine import blas_note, describe_machine, describe_versions, foreign_note, foreign_seconds
from bench.common.threads import limit_threads
from bench.common.timing import Stopwatch
from bench.speed.cases import Size
from bench.speed.ceilings import measure_ceilings
from bench.speed.fused import CHILD, SHAPES, measure_child, measure_fused, measure_tanh
from bench.speed.inference import SIDES, TEACHER_SIDE, measure_inference
from bench.speed.kernels import LARGE, MEDIUM, SMALL, measure_kernels
from bench.speed.onnx_runtime import PACKAGES, is_there, measure_beside_onnx_runtime
from bench.speed.report import Report, Row
from bench.speed.targets import judge
from bench.speed.training import Plan, measure_training

if TYPE_CHECKING:
    from teachers import Autoencoder

TEACHER = MODELS / "taesd"

# Called with what comes next, how many parts are done, and how many there are.
Progress = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Parameters
    ----------
    watch : how samples are taken
    side, file_bytes : of the matrices and the file of the ceilings
    shapes : of the fused loss
    child : of incremental scoring
    sizes : of all kernels
    sides : of pictures
    plan : of training
    with_teacher : whether a teacher is timed, which takes seconds a sample
    """

    watch: Stopwatch = field(default_factory=Stopwatch)
    side: int = 2048
    file_bytes: int = 512 << 20
    shapes: tuple[Size, ...] = SHAPES
    child: Size = CHILD
    sizes: tuple[Size, ...] = (SMALL, MEDIUM, LARGE)
    sides: tuple[int, ...] = SIDES
    plan: Plan = field(default_factory=Plan)
    with_teacher: bool = True


FULL = Extent()
QUICK = Extent(
    watch=Stopwatch(repeats=5, shortest=0.002),
    side=1024,
    file_bytes=64 << 20,
    shapes=(SHAPES[0], SHAPES[2], SHAPES[3], SHAPES[5]),
    sizes=(MEDIUM,),
    plan=Plan(pictures=448, seconds=1.5, intervals=5),
    with_teacher=False,
)


def run(
    quick: bool = False,
    progress: Progress | None = None,
    teacher: str | Path | None = None,
    extent: Extent | None = None,
) -> Report:
    """Measure this machine and the kernels on it, on the threads that are set.

    Parameters
    ----------
    quick : the short form, about half a minute
    progress : told what comes next
    teacher : folder or hub id of the teacher to compare with; None takes the one beside the checkout, if it is there
    extent : what to measure; overrides `quick`

    Raises
    ------
    OlacoreError  one of its kinds, if a teacher that is named cannot be loaded
    """
    started, foreign = time.perf_counter(), foreign_seconds()
    threads = numba.get_num_threads()
    chosen = extent or (QUICK if quick else FULL)
    torch = find_spec("torch") is not None
    notes: list[str] = []
    rows: list[Row] = []
    if not torch:
        notes.append("torch is not installed: its rows and the teacher's are left out.")
    if not is_there():
        notes.append(f"{' and '.join(PACKAGES)} are not both installed: rows beside ONNX Runtime are left out.")
    with limit_threads(threads, torch):
        model = find_teacher(chosen, torch, teacher, notes)
        parts = list(plan_parts(chosen, threads, torch, model))
        for done, (name, measure) in enumerate(parts):
            if progress:
                progress(name, done, len(parts))
            rows += measure()
        if progress:
            progress("done", len(parts), len(parts))
        machine = describe_machine()
    seconds = time.perf_counter() - started
    warnings = blas_note(machine), foreign_note(foreign, foreign_seconds(), seconds)
    notes += [warning for warning in warnings if warning]
    targets = judge(rows, threads)
    return Report(quick, seconds, threads, machine, describe_versions(PACKAGES), tuple(rows), targets, tuple(notes))


def plan_parts(
    extent: Extent, threads: int, torch: bool, teacher: Autoencoder | None
) -> Iterator[tuple[str, Callable[[], Iterable[Row]]]]:
    """Name every part and what measures it."""
    watch = extent.watch
    yield "ceilings", lambda: measure_ceilings(watch, threads, extent.side, extent.file_bytes)
    for size in extent.shapes:
        yield f"fused loss {size}", partial(measure_fused, watch, threads, size, torch)
    yield "incremental scoring", lambda: [measure_child(watch, threads, extent.child)]
    yield "tanh", lambda: measure_tanh(watch, threads)
    for size in extent.sizes:
        yield f"kernels {size}", partial(measure_kernels, watch, threads, size)
    yield "inference", lambda: measure_inference(watch, threads, extent.sides, teacher)
    if TEACHER_SIDE in extent.sides and is_there():
        yield "ONNX Runtime", lambda: measure_beside_onnx_runtime(watch, threads, TEACHER_SIDE)
    yield "training", lambda: measure_training(extent.plan, threads)


def find_teacher(extent: Extent, torch: bool, reference: str | Path | None, notes: list[str]) -> Autoencoder | None:
    """Load the teacher to compare with, or note why there is none."""
    if not torch:
        return None
    if not extent.with_teacher:
        notes.append("the teacher is not timed in the short form: it takes about a second a picture.")
        return None
    if reference is None and not TEACHER.is_dir():
        notes.append("no teacher was named: its rows are left out.")
        return None
    from teachers import load_teacher

    return load_teacher(str(reference or TEACHER))
