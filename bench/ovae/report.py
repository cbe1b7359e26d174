"""Part `report`: everything that is kept, as JSON, Markdown and curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.common.markdown import write_markdown
from bench.common.report import describe_run, write_report
from bench.ovae.plot import draw
from bench.ovae.tables import contents
from bench.ovae.targets import judge
from olacore.files import replace_file

SCHEMA = "olacore/ovae/1"


def make_report(
    train: dict[str, Any],
    backprop: list[dict[str, Any]],
    quality: dict[str, Any],
    speed: dict[str, Any],
    threads: int,
) -> dict[str, Any]:
    """Put the parts together and judge them."""
    report: dict[str, Any] = {
        **describe_run(SCHEMA, threads, ("diffusers",)),
        "train": train,
        "backprop": backprop,
        "quality": quality,
        "speed": speed,
    }
    return {**report, "targets": [target.to_dict() for target in judge(report)]}


def write_all(report: dict[str, Any], out: Path) -> list[Path]:
    """Write `OUT.json`, `OUT.md` and, where backprop was compared, `OUT-curves.png`; return their paths.

    Parameters
    ----------
    out : the JSON's path

    Raises
    ------
    OutputError  if one cannot be written
    """
    write_report(report, out)
    text = out.with_suffix(".md")
    replace_file(text, write_markdown(contents(report)).encode())
    if not report["backprop"]:
        return [out, text]
    curves = out.with_name(f"{out.stem}-curves.png")
    draw(report["backprop"], curves)
    return [out, text, curves]
