"""One cell: a method on a problem with a seed, as a curve of losses over CPU-seconds.

The clock is the processor time of all threads of the process. It runs while the method is made and while it
advances; it stands still while losses are measured, and a first instance of the method is made and thrown away
before, so that no compilation is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from bench.common.clock import Clock
from bench.peers.method import Method
from bench.peers.methods import Spec, make_method, settings_for, version_of
from bench.peers.problems import Problem

WARM_UP = 3
# A loss is measured when the clock has gone on by this share, and by at least so many seconds.
FINER, SHORTEST = 1.05, 0.002


@dataclass(frozen=True)
class Point:
    """Where a search stood.

    Parameters
    ----------
    cpu, wall : seconds of the method alone
    generation : how often it had advanced
    validation, held_out : mean losses of its weights
    """

    cpu: float
    wall: float
    generation: int
    validation: float
    held_out: float


@dataclass(frozen=True)
class Cell:
    """What one run gave.

    Parameters
    ----------
    problem, digest, method, loss, seed : what was run on what
    settings : of the method
    threads : that kernels and products ran on
    cap : CPU-seconds after which it was stopped
    version : of the method's library, or a digest of our own sources
    curve : points in time order
    notes : what the method says of itself
    failed : why it ended early; empty if it did not
    """

    problem: str
    digest: str
    method: str
    loss: str
    seed: int
    settings: dict[str, Any]
    threads: int
    cap: float
    version: str
    curve: tuple[Point, ...]
    notes: dict[str, Any] = field(default_factory=dict)
    failed: str = ""

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.problem}__{self.method}__{self.loss}__{self.seed}"

    @property
    def key(self) -> dict[str, Any]:
        """What has to agree for a kept cell to be of the same run."""
        return {name: getattr(self, name) for name in FIXED}

    def to_value(self) -> dict[str, Any]:
        """What the run gave, in JSON types."""
        return {name: value for name, value in asdict(self).items() if name not in FIXED}

    def with_value(self, value: dict[str, Any]) -> Cell:
        """The same run with what it gave, the inverse of `to_value`."""
        return replace(self, **{**value, "curve": tuple(Point(**point) for point in value["curve"])})

    def served_by(self, value: dict[str, Any]) -> bool:
        """Whether a kept run is long enough for this one, and did not fail."""
        return value["cap"] >= self.cap * (1 - 1e-9) and not value["failed"]


FIXED = ("problem", "digest", "method", "loss", "seed", "settings", "threads", "version")


def empty_cell(spec: Spec, problem: Problem, loss: str, seed: int, cap: float, threads: int) -> Cell:
    """A cell that is still to be run."""
    settings = settings_for(spec, problem)
    return Cell(problem.name, problem.digest, spec.text, loss, seed, settings, threads, cap, version_of(spec), ())


def run_cell(
    spec: Spec,
    problem: Problem,
    loss: str,
    seed: int,
    cap: float,
    threads: int,
    clock: Clock | None = None,
    finer: float = FINER,
) -> Cell:
    """Run a method until its CPU-seconds are spent.

    A method that raises is kept with what it had reached, and the reason.
    """
    curve: list[Point] = []
    notes: dict[str, Any] = {}
    failed = ""

    def make() -> Method:
        return make_method(spec, problem, loss, seed)

    try:
        warm_up(make())
        method = follow(make, problem, cap, curve, clock or Clock(), finer)
        notes = method.describe()
    except Exception as error:
        failed = f"{type(error).__name__}: {error}"
    asked = empty_cell(spec, problem, loss, seed, cap, threads)
    return replace(asked, curve=tuple(curve), notes=notes, failed=failed)


def warm_up(method: Method) -> None:
    """Compile everything that a run needs."""
    for _ in range(1 if method.closed_form else WARM_UP):
        method.advance()
    method.measure(method.problem.validation)


def follow(
    make: Callable[[], Method], problem: Problem, cap: float, curve: list[Point], clock: Clock, finer: float
) -> Method:
    """Make a method, advance it until the cap and add points to the curve; losses that are not finite become inf."""
    mark = 0.0
    clock.start()
    method = make()
    generation = 0
    while True:
        method.advance()
        generation += 1
        cpu = clock.seconds
        over = cpu >= cap or method.closed_form or bool(getattr(method, "finished", False))
        if cpu < mark and not over:
            continue
        with clock.stopped():
            losses = (method.measure(split) for split in (problem.validation, problem.held_out))
            validation, held_out = (loss if np.isfinite(loss) else np.inf for loss in losses)
            curve.append(Point(clock.seconds, clock.wall, generation, validation, held_out))
        if over:
            return method
        mark = max(cpu * finer, cpu + SHORTEST)
