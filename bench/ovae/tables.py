"""A report as sentences and tables, for documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.common.tables import Part, Table, number
from bench.common.targets import Target, targets_table
from bench.ovae.recipes import SPACES

FIGURES = {"psnr": "PSNR, dB", "ssim": "SSIM", "ms_ssim": "MS-SSIM", "haarpsi": "HaarPSI"}
QUARTER = "4"


def contents(report: dict[str, Any]) -> Iterator[Part]:
    """The sentences and tables one after the other."""
    for space, quality in report["quality"].items():
        yield from quality_of(quality, SPACES[space].title)
    if report["speed"]:
        yield speed_of(report["speed"])
    if report["train"]:
        yield training_of(report["train"])
    if report["backprop"]:
        yield backprop_of(report["backprop"])
    yield targets_table(map(Target.from_dict, report["targets"]))


def quality_of(quality: dict[str, Any], title: str) -> Iterator[Part]:
    """Figures of whole photographs, agreement of latents, and figures at a quarter of the size."""
    yield codecs_of(quality, f"{title}: {len(quality['pictures'])} whole held-out photographs")
    for name, figures in quality["mean"]["latents"].items():
        each = ", ".join(number(value) for value in figures["r2_each"])
        yield f"Latents of the {name} beside the teacher's: R2 {number(figures['r2'])}; by channel {each}."
    if (small := quality["mean"]["small"].get(QUARTER)) is not None:
        yield "At a quarter of the size, made smaller by area:"
        body = [[name, *(number(row[figure]) for figure in FIGURES)] for name, row in small.items()]
        yield Table(["row", *FIGURES.values()], body)


def codecs_of(quality: dict[str, Any], title: str) -> Table:
    """Rows of `ola vae-test`, sizes and figures."""
    head = ["row", *FIGURES.values(), "encoder, kB", "decoder, kB"]
    body = []
    for name, figures in quality["mean"]["rows"].items():
        sizes = (quality["rows"][name][f"{part}_bytes"] / 1000 for part in ("encoder", "decoder"))
        body.append([name, *(number(figures[one]) for one in FIGURES), *(f"{value:,.1f}" for value in sizes)])
    return Table(head, body, title)


def speed_of(speed: dict[str, Any]) -> Table:
    """Milliseconds, and how many times faster than the teacher."""
    body = []
    for space, measured in speed.items():
        for name, row in measured["rows"].items():
            title = f"{SPACES[space].title}, {name}"
            body.append([title, number(row["median_ms"]), number(row["minimum_ms"]), number(row["over_teacher"])])
    side = next(iter(speed.values()))["side"]
    head = [f"{side} x {side}", "median, ms", "fastest, ms", "times faster than the teacher"]
    return Table(head, body, "Encode and decode one picture")


def training_of(train: dict[str, Any]) -> Table:
    """Seconds and sizes of each run."""
    body = []
    for name, run in train.items():
        sizes = " + ".join(f"{file['bytes'] / 1000:,.1f}" for file in run["files"].values())
        body.append([name, f"{run['seconds']:.0f}", f"{run['cpu']:.0f}", sizes])
    return Table(["run", "search, s", "CPU-seconds", "kB"], body, "Training")


def backprop_of(cases: list[dict[str, Any]]) -> Table:
    """Gains over affine least squares."""
    head = ["stack", "CPU-seconds", "affine", "evolved", "backprop", "best rate", "gain over backprop's"]
    body = []
    for case in cases:
        end = case["evolved"][-1]
        theirs = case["backprop"][case["best_rate"]][-1][1] if case["best_rate"] else None
        title = f"{case['case']}, {case['unit']}"
        figures = (number(case["affine"]), number(end[1]), number(theirs), case["best_rate"] or "-")
        body.append([title, f"{end[0]:.0f}", *figures, number(case["ratio"])])
    return Table(head, body, "Evolved beside backprop")
