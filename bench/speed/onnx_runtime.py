"""Encoding and decoding beside ONNX Runtime on the same modules, on idle cores and while other work wants them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from typing import Any

from bench.common.timing import SETTLE, Action, Stopwatch, paired_ratio
from bench.speed.inference import STACK, Shape, random_input, random_module
from bench.speed.report import Row, latency_row
from olacore.exports.base import Part
from olacore.exports.onnx_file import OnnxFile
from olacore.modules.module import Module

LOOPS = 2
# Parts of the report, with how many busy loops run beside what is measured.
PARTS = {"beside ONNX Runtime": 0, f"beside ONNX Runtime and {LOOPS} busy loops": LOOPS}
# What `ola train` makes when nothing else is said, and the size of the compatible modules.
SHAPES = (Shape(""), STACK)
SHARE = "times ONNX Runtime's time"
PACKAGES = ("onnx", "onnxruntime")
# It says that it runs, and ends with its parent, however that ends.
LOOP = """
import os
parent = os.getppid()
print(flush=True)
while os.getppid() == parent:
    for _ in range(100_000):
        pass
"""


def is_there() -> bool:
    """Whether there is anything to compare with."""
    return all(find_spec(name) for name in PACKAGES)


def measure_beside_onnx_runtime(watch: Stopwatch, threads: int, side: int) -> Iterator[Row]:
    """Encode and decode a square picture by both in turn, uint8 pictures in and out, on as many threads."""
    for part, loops in PARTS.items():
        with busy_loops(loops):
            for verb in ("encode", "decode"):
                for shape in SHAPES:
                    yield from _compared(watch, threads, part, f"{verb} {shape.name}".strip(), verb, shape, side)


def _compared(
    watch: Stopwatch, threads: int, part: str, name: str, verb: str, shape: Shape, side: int
) -> Iterator[Row]:
    module = random_module("encoder" if verb == "encode" else "decoder", shape)
    given = random_input(verb, shape.channels, side)[None]
    actions: dict[str, Action] = {
        name: partial(getattr(module, verb), given),
        f"{name}, ONNX Runtime": partial(session_of(module, threads).run, None, {_reads(verb): given}),
    }
    ours, theirs = watch.compare(actions, SETTLE).items()
    shares = {SHARE: paired_ratio(ours[1], theirs[1])}
    yield latency_row(part, ours[0], f"{side}x{side}", threads, ours[1], shares)
    yield latency_row(part, theirs[0], f"{side}x{side}", threads, theirs[1])


def _reads(verb: str) -> str:
    return "pixels" if verb == "encode" else "latents"


def session_of(module: Module, threads: int) -> Any:
    """What runs the module in ONNX Runtime on so many threads."""
    import onnxruntime

    asked = onnxruntime.SessionOptions()
    asked.intra_op_num_threads, asked.inter_op_num_threads = threads, 1
    content = OnnxFile(uint8=True).model([Part.of("module", module)]).SerializeToString()
    return onnxruntime.InferenceSession(content, asked, providers=["CPUExecutionProvider"])


@contextmanager
def busy_loops(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that each keep a core busy."""
    loops: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            loops.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", LOOP], stdout=subprocess.PIPE))
        for loop in loops:
            assert loop.stdout is not None
            loop.stdout.readline()
        yield loops
    finally:
        for loop in loops:
            with loop:  # closes its pipe and waits
                loop.kill()
