"""The figures that the kernels are meant to reach, read off the rows of a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bench.common.targets import Target
from bench.speed.fused import CHILD, SHAPES, TANH_ELEMENTS
from bench.speed.inference import TEACHER_SIDE
from bench.speed.kernels import LARGE, MEDIUM, SMALL
from bench.speed.onnx_runtime import PARTS, SHARE
from bench.speed.report import Row

WIDE, WIDER = 100, 144
# Names of the rows of an encoder and a decoder, and milliseconds that both together may take.
CODECS = (
    ("affine pair", "encode", "decode 5x5", 4.0),
    ("stacks", "encode stack", "decode stack", 20.0),
    ("16-channel stacks", "encode 16-channel stack", "decode 16-channel stack", 35.0),
)


def judge(rows: Iterable[Row], threads: int) -> tuple[Target, ...]:
    """Compare the rows of a run with every target; what was not measured is neither met nor missed."""
    found = {(row.part, row.name, row.shape, row.threads): row for row in rows}

    def value(part: str, name: str, shape: object) -> float | None:
        row = found.get((part, name, str(shape), threads))
        return row.value if row else None

    def share(part: str, name: str, shape: object, what: str, count: int = threads) -> float | None:
        row = found.get((part, name, str(shape), count))
        return row.shares.get(what) if row else None

    def targets() -> Iterator[Target]:
        for size in SHAPES:
            if size.inputs >= WIDE:
                measured = share("fused loss", "score_population", size, "of sgemm")
                yield Target(f"fused loss, share of sgemm, {size}", 0.8, True, "", measured)
        for size in SHAPES:
            measured = share("fused loss", "score_population", size, "over torch")
            least = least_over_torch(size.inputs)
            yield Target(f"fused loss over torch's best chain, {size}", least, True, "", measured)
        for size in SHAPES:
            measured = share("scaling", "score_population", size, "over 1 thread", 2)
            yield Target(f"fused loss, 1 to 2 threads, {size}", 1.8, True, "", measured)
        for size in (SMALL, MEDIUM, LARGE):
            for name in ("forward_population", "multiply_packed"):
                yield Target(f"{name}, share of sgemm, {size}", 0.7, True, "", share("kernels", name, size, "of sgemm"))
        measured = value("incremental", "rank-1 child", CHILD)
        yield Target("rank-1 child, incremental", 2000.0, True, "M row-samples/s", measured)
        measured = share("incremental", "rank-1 child", CHILD, "over scratch")
        yield Target("rank-1 child, incremental over from scratch", 8.0, True, "", measured)
        measured = share("tanh", "apply_tanh", TANH_ELEMENTS, "over NumPy")
        yield Target("tanh of 1e6 over NumPy's", 1.0, True, "", measured)
        shape = f"{TEACHER_SIDE}x{TEACHER_SIDE}"
        for verb in ("decode", "encode"):
            yield Target(f"{verb} {shape}", 3.0, False, "ms", value("inference", verb, shape))
            measured = share("inference", verb, shape, "over teacher")
            yield Target(f"{verb} {shape} over the teacher's", 200.0, True, "", measured)
            measured = share("inference", f"{verb} stack", shape, "over teacher")
            yield Target(f"{verb} {shape} with a stack over the teacher's", 80.0, True, "", measured)
            for part in PARTS:
                for name in (verb, f"{verb} stack"):
                    measured = share(part, name, shape, SHARE)
                    yield Target(f"{name} {shape} {part}, {SHARE}", 1.0, False, "", measured)
        for name, encode, decode, most in CODECS:
            parts = [value("inference", part, shape) for part in (encode, decode)]
            both = sum(part for part in parts if part) if all(parts) else None
            yield Target(f"{name}, encode and decode {shape}", most, False, "ms", both)
        for row in found.values():
            if row.part == "training":
                # A shorter run has not read the file while it searched.
                measured = row.shares["waiting"] if row.shares["passes"] >= 1 else None
                yield Target(f"{row.name} training, share of time waiting", 0.05, False, "", measured)

    return tuple(targets())


def least_over_torch(inputs: int) -> float:
    """How many times torch's rate the fused loss has to reach."""
    if inputs < WIDE:
        return 4.0
    return 1.2 if inputs <= WIDER else 1.0
