"""Part `report`: everything that is kept, as JSON, Markdown and curves."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.common.machine import describe_machine, describe_versions
from bench.ovae.plot import draw
from bench.ovae.tables import write_tables
from bench.ovae.targets import judge
from olacore.files import replace_file

SCHEMA = "olacore/ovae/1"


def make_report(
    train: dict[str, Any],
    backprop: list[dict[str, Any]],
    quality: dict[str, Any],
    speed: dict[str, Any],
) -> dict[str, Any]:
    """Put the parts together and judge them."""
    report: dict[str, Any] = {
        "schema": SCHEMA,
        "machine": describe_machine(),
        "versions": describe_versions(("diffusers",)),
        "train": train,
        "backprop": backprop,
        "quality": quality,
        "speed": speed,
    }
    return {**report, "targets": [{**asdict(target), "met": target.met} for target in judge(report)]}


def write_report(report: dict[str, Any], out: Path) -> list[Path]:
    """Write `OUT.json`, `OUT.md` and, where backprop was compared, `OUT-curves.png`; return their paths.

    Parameters
    ----------
    out : the JSON's path

    Raises
    ------
    OutputError  if one cannot be written
    """
    replace_file(out, (json.dumps(report, indent=1, allow_nan=False) + "\n").encode())
    text = out.with_suffix(".md")
    replace_file(text, write_tables(report).encode())
    if not report["backprop"]:
        return [out, text]
    curves = out.with_name(f"{out.stem}-curves.png")
    draw(report["backprop"], curves)
    return [out, text, curves]
