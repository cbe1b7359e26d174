"""A report as Markdown, for documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench.ovae.recipes import SPACES

FIGURES = {"psnr": "PSNR, dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM", "haarpsi": "HaarPSI"}
QUARTER = "4"


def write_tables(report: dict[str, Any]) -> str:
    """All tables of a report."""
    return "\n".join(line for part in tables(report) for line in (*part, ""))


def tables(report: dict[str, Any]) -> Iterator[list[str]]:
    """The tables one after the other, as lines."""
    for space, quality in report["quality"].items():
        yield [
            f"## {SPACES[space].title}: {len(quality['pictures'])} whole held-out photographs",
            "",
            *rows_of(quality),
        ]
        for name, figures in quality["mean"]["latents"].items():
            each = ", ".join(number(value) for value in figures["r2_each"])
            yield [f"Latents of the {name} beside the teacher's: R2 {number(figures['r2'])}; by channel {each}."]
        if (small := quality["mean"]["small"].get(QUARTER)) is not None:
            body = [[name, *(number(row[figure]) for figure in FIGURES)] for name, row in small.items()]
            yield ["At a quarter of the size, made smaller by area:", "", *table(["row", *FIGURES.values()], body)]
    if report["speed"]:
        yield ["## Encode and decode one picture", "", *table(*speed_of(report["speed"]))]
    if report["train"]:
        yield ["## Training", "", *table(*training_of(report["train"]))]
    if report["backprop"]:
        yield ["## Evolved beside backprop", "", *table(*backprop_of(report["backprop"]))]
    head = ["figure", "target", "measured", "met"]
    yield ["## Targets", "", *table(head, [target_row(target) for target in report["targets"]])]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table; the first column is text, the others are numbers."""
    marks = ["---", *("---:" for _ in head[1:])]
    return [f"| {' | '.join(cells)} |" for cells in (head, marks, *rows)]


def rows_of(quality: dict[str, Any]) -> list[str]:
    """Rows of `ola vae-test`, sizes and figures."""
    head = ["row", *FIGURES.values(), "encoder, kB", "decoder, kB"]
    body = []
    for name, figures in quality["mean"]["rows"].items():
        sizes = (quality["rows"][name][f"{part}_bytes"] / 1000 for part in ("encoder", "decoder"))
        body.append([name, *(number(figures[one]) for one in FIGURES), *(f"{value:,.1f}" for value in sizes)])
    return table(head, body)


def speed_of(speed: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Milliseconds, and how many times faster than the teacher."""
    body = []
    for space, measured in speed.items():
        for name, row in measured["rows"].items():
            title = f"{SPACES[space].title}, {name}"
            body.append([title, number(row["median_ms"]), number(row["minimum_ms"]), number(row["over_teacher"])])
    side = next(iter(speed.values()))["side"]
    return [f"{side} x {side}", "median, ms", "fastest, ms", "times faster than the teacher"], body


def training_of(train: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Seconds and sizes of each run."""
    body = []
    for name, run in train.items():
        sizes = " + ".join(f"{file['bytes'] / 1000:,.1f}" for file in run["files"].values())
        body.append([name, f"{run['seconds']:.0f}", f"{run['cpu']:.0f}", sizes])
    return ["run", "search, s", "CPU-seconds", "kB"], body


def backprop_of(cases: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Gains over affine least squares."""
    head = ["stack", "CPU-seconds", "affine", "evolved", "backprop", "best rate", "gain over backprop's"]
    body = []
    for case in cases:
        end = case["evolved"][-1]
        theirs = case["backprop"][case["best_rate"]][-1][1] if case["best_rate"] else None
        title = f"{case['case']}, {case['unit']}"
        figures = (number(case["affine"]), number(end[1]), number(theirs), case["best_rate"] or "-")
        body.append([title, f"{end[0]:.0f}", *figures, number(case["ratio"])])
    return head, body


def target_row(target: dict[str, Any]) -> list[str]:
    """A target, what was measured and whether it is met."""
    sign = "at least" if target["least"] else "below"
    met = {True: "yes", False: "no", None: "not measured"}[target["met"]]
    unit = f" {target['unit']}" if target["unit"] else ""
    return [target["figure"], f"{sign} {target['wanted']:g}{unit}", number(target["measured"]), met]


def number(value: float | None) -> str:
    """Four digits, or a dash for what is not defined."""
    return "-" if value is None else f"{value:.4g}"
