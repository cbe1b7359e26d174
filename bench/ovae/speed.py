"""Part `speed`: encoding and decoding one picture, arrays in and out, beside the teacher in the same run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np

from bench.common.cells import Cells
from bench.common.machine import describe_machine, foreign_note, foreign_seconds
from bench.common.sources import code_digest, file_digest
from bench.common.timing import SETTLE, Action, Stopwatch, paired_ratio
from bench.ovae.quality import has_teacher, load_teacher, module_files
from bench.ovae.sources import SPEED
from bench.ovae.workspace import Workspace
from bench.speed.inference import TEACHER_SIDE, random_input
from olacore.modules.latent_doubts import LatentWarning
from olacore.modules.module import Module, load
from olacore.quality.protocols import TeacherLike

# Encoder and decoder of what is timed, by its name in tables.
PAIRS = {
    "affine pair": ("codec encoder", "affine decoder"),
    "pair": ("codec encoder", "codec decoder"),
    "compatible": ("encoder", "decoder"),
}
TEACHER = "teacher"


def time_all(
    spaces: tuple[str, ...],
    workspace: Workspace,
    cells: Cells,
    say: Callable[[str], object],
    watch: Stopwatch | None = None,
    side: int = TEACHER_SIDE,
) -> dict[str, dict[str, Any]]:
    """Time the modules of every latent space that were made, on the threads that are set."""
    found = {}
    threads = numba.get_num_threads()
    for space in spaces:
        files = module_files(space, workspace)
        if not files:
            continue
        key = {
            "modules": {name: file_digest(path) for name, path in files.items()},
            "teacher": has_teacher(space, workspace, say),
            "threads": threads,
            "side": side,
            "code": code_digest(*SPEED),
        }

        def make(space: str = space) -> dict[str, Any]:
            say(f"{space}: timing")
            return time_space(space, workspace, watch or Stopwatch(), side)

        if (value := cells.get(f"speed-{space}", key, make)) is not None:
            found[space] = value
    return found


def time_space(space: str, workspace: Workspace, watch: Stopwatch, side: int) -> dict[str, Any]:
    """Time the modules of a latent space and its teacher in turn."""
    files = module_files(space, workspace)
    modules = {name: load(path) for name, path in files.items()}
    teacher, _ = load_teacher(space, workspace)
    picture = random_input("encode", 0, side)
    actions: dict[str, Action] = {}
    for name, (encoder, decoder) in PAIRS.items():
        if encoder in modules and decoder in modules:
            actions[name] = partial(round_trip, modules[encoder], modules[decoder], picture)
    if teacher is not None:
        actions[TEACHER] = partial(round_trip, teacher, teacher, picture[None])
    foreign, began = foreign_seconds(), time.perf_counter()
    with warnings.catch_warnings():
        # Latents of noise may well look odd.
        warnings.simplefilter("ignore", LatentWarning)
        timings = watch.compare(actions, SETTLE if teacher is not None else 0.0)
    note = foreign_note(foreign, foreign_seconds(), time.perf_counter() - began)
    theirs = timings.get(TEACHER)
    rows = {
        name: {
            "median_ms": 1e3 * timing.median,
            "minimum_ms": 1e3 * timing.minimum,
            "repeats": len(timing.seconds),
            "over_teacher": None if theirs is None else paired_ratio(theirs, timing),
        }
        for name, timing in timings.items()
    }
    return {"side": side, "rows": rows, "notes": [note] if note else [], "machine": describe_machine()}


def round_trip(encoder: Module | TeacherLike, decoder: Module | TeacherLike, picture: np.ndarray) -> np.ndarray:
    """Encode and decode."""
    return decoder.decode(encoder.encode(picture))
