"""How fast an exported C header decodes, beside `Module.decode` and the plainest loops in C.

python -m bench.studies.c_header [MODULE] [--repeats 15] [--json FILE]: all sides in turn in one run, 64 x 64 latents
to 512 x 512 pixels. Prints a table: by the clock, and the processor's own time of what runs in one thread, which other
work disturbs less. Needs gcc.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import perf_counter, thread_time
from typing import Any

import numpy as np

from bench.common.machine import foreign_note, foreign_seconds
from bench.common.markdown import write_markdown
from bench.common.report import describe_run, heading, write_report
from bench.common.tables import Table, number
from bench.common.timing import Stopwatch, Timing, paired_ratio
from olacore.exports.base import Part
from olacore.exports.c_header import CHeader
from olacore.modules.module import Module, load

SCHEMA = "olacore/c-header/1"
SITES, THREADS = 64, 2
COMPILER = ("gcc", "-std=c99", "-O3", "-shared", "-fPIC")
ONE = "1 thread"
HEADER = f"C header, {ONE}"

Sides = dict[str, Callable[[], np.ndarray]]


def compile_library(folder: Path, name: str, source: str) -> ctypes.CDLL:
    """Compile C with -O3 alone, and load it."""
    path = folder / f"{name}.c"
    path.write_text(source, encoding="ascii")
    subprocess.run([*COMPILER, path, "-o", path.with_suffix(".so"), "-lm"], check=True)
    return ctypes.CDLL(str(path.with_suffix(".so")))


def header_sides(module: Module, latents: np.ndarray, folder: Path) -> Sides:
    """The header on one thread and on two, and on one without AVX2."""
    _, height, width = latents.shape
    text = CHeader(symbol="it").text(Part.of("it", module))

    def compiled(name: str, macros: str) -> tuple[ctypes.CDLL, Callable[[int, int, np.ndarray, np.ndarray], None]]:
        library = compile_library(folder, name, f"{macros}#define OLA_IT_IMPLEMENTATION\n{text}")
        library.ola_it_scratch.restype = ctypes.c_size_t

        def decode(y0: int, y1: int, picture: np.ndarray, scratch: np.ndarray) -> None:
            stride = ctypes.c_size_t(picture.strides[0])
            pointers = (_pointer(latents), _pointer(picture), _pointer(scratch))
            code = library.ola_it_decode_rows(pointers[0], height, width, y0, y1, pointers[1], stride, pointers[2])
            assert code == 0

        return library, decode

    def side(name: str, macros: str, threads: int) -> Callable[[], np.ndarray]:
        library, decode = compiled(name, macros)
        scratch = np.zeros((threads, library.ola_it_scratch()), np.uint8)
        cuts = [8 * (height * part // threads) for part in range(threads + 1)]
        pool = ThreadPoolExecutor(threads)

        def run() -> np.ndarray:
            picture = np.empty((8 * height, 8 * width, 3), np.uint8)
            if threads == 1:
                decode(0, 8 * height, picture, scratch[0])
            else:
                list(pool.map(decode, cuts, cuts[1:], [picture] * threads, scratch))
            return picture

        return run

    return {
        HEADER: side("one", "", 1),
        f"C header, {THREADS} threads": side("two", "", THREADS),
        f"C header without AVX2, {ONE}": side("narrow", "#define OLA_IT_NO_AVX2\n", 1),
    }


def naive_side(module: Module, latents: np.ndarray, folder: Path) -> Sides:
    """The plainest loops, on one thread."""
    channels, height, width = latents.shape
    program = module.program()
    library = compile_library(folder, "naive", Path(__file__).with_name("c_naive.c").read_text("ascii"))
    weights = np.concatenate([step.weights.T.ravel() for step in program.steps])
    biases = np.concatenate([step.biases for step in program.steps])
    sizes = np.array([program.inputs, *(step.biases.size for step in program.steps)], np.int32)
    restoring = [np.array(np.broadcast_to(part, program.outputs)) for part in (program.gain, program.shift)]

    def run() -> np.ndarray:
        picture = np.empty((8 * height, 8 * width, 3), np.uint8)
        numbers = (channels, height, width, program.gather["window"])
        arrays = (_pointer(one) for one in (weights, biases, sizes))
        ends = (_pointer(one) for one in (*restoring, picture))
        library.naive_decode(_pointer(latents), *numbers, *arrays, len(program.steps), *ends)
        return picture

    return {f"naive loops, {ONE}": run}


def measure(module: Module, folder: Path, stopwatch: Stopwatch, sites: int = SITES) -> dict[str, Any]:
    """Seconds of every side, and by how many levels their pictures differ from the module's own."""
    latents = np.random.default_rng(0).normal(size=(module.program().gather["channels"], sites, sites))
    given = latents.astype(np.float16).astype(np.float32)
    sides: Sides = {f"Module.decode, {THREADS} threads": lambda: module.decode(given, n_threads=THREADS)}
    sides |= {f"Module.decode, {ONE}": lambda: module.decode(given, n_threads=1)}
    sides |= header_sides(module, given, folder) | naive_side(module, given, folder)
    expected = module.decode(given).astype(int)
    apart = {name: int(np.abs(run() - expected).max()) for name, run in sides.items()}
    alone = {name: run for name, run in sides.items() if name.endswith(ONE)}
    taken = {"seconds": stopwatch.compare(sides), "own seconds": replace(stopwatch, clock=thread_time).compare(alone)}
    seconds = {clock: {name: list(timing.seconds) for name, timing in each.items()} for clock, each in taken.items()}
    return {"levels apart": apart, **seconds}


def table(found: Mapping[str, Any]) -> Table:
    """Milliseconds by the clock and, of one thread, of the processor; these as ratios to the header, in turn."""
    wall, own = (
        {name: Timing(tuple(seconds)) for name, seconds in found[clock].items()} for clock in ("seconds", "own seconds")
    )
    rows = []
    for name, timing in wall.items():
        taken = [
            timing.median,
            timing.minimum,
            *((own[name].median, own[name].minimum) if name in own else (None,) * 2),
        ]
        milliseconds = [number(None if seconds is None else 1000 * seconds, 3) for seconds in taken]
        ratio = number(paired_ratio(own[name], own[HEADER]) if name in own else None, 3)
        rows.append([name, *milliseconds, ratio, str(found["levels apart"][name])])
    head = ["side", "clock, ms, median", "least", "processor, ms, median", "least", "over the header", "levels apart"]
    return Table(head, rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", nargs="?", default="sd15-decoder")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    before, began = foreign_seconds(), perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(load(asked.module), Path(folder), Stopwatch(repeats=asked.repeats))
    note = foreign_note(before, foreign_seconds(), perf_counter() - began)
    version = subprocess.run(["gcc", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    report = describe_run(SCHEMA, THREADS) | {"module": asked.module, "compiler": version, "note": note, **found}
    notes = [heading(report, version, f"{asked.module}, 512 x 512 pixels"), *([note] if note else [])]
    sys.stdout.write(write_markdown([*notes, table(report)]))
    if asked.json:
        write_report(report, asked.json)


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


if __name__ == "__main__":
    main()
