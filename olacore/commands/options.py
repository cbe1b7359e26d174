"""Types of options, and the options that several commands have."""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from typing import Any

import click

from olacore.media.kinds import MAX_PIXELS

FILE = click.Path(path_type=Path)
MODULE = "Module file, run folder, name of a pretrained module, or hf:user/name of the hub."


class Seconds(click.ParamType):
    """A duration such as 90, 90s, 5m or 1.5h."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        units = {"s": 1.0, "m": 60.0, "h": 3600.0}
        number, unit = (value[:-1], value[-1]) if value[-1:] in units else (value, "s")
        try:
            return float(number) * units[unit]
        except ValueError:
            self.fail(f"{value!r} is no duration; write 90s, 5m or 1.5h.", param, ctx)


class Bytes(click.ParamType):
    """A size such as 65536, 256KB or 1.5MB, in units of 1024."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value
        text = value.upper().removesuffix("B")
        factor = {"K": 1 << 10, "M": 1 << 20}.get(text[-1:], 1)
        try:
            return int(float(text if factor == 1 else text[:-1]) * factor)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no size; write 65536, 256KB or 1.5MB.", param, ctx)


class Numbers(click.ParamType):
    """Numbers such as 1,1,2,0.5."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the numbers."""
        if not isinstance(value, str):
            return tuple(value)
        try:
            return tuple(float(number) for number in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of numbers such as 1,1,2,0.5.", param, ctx)


class Scale(click.ParamType):
    """How latents are scaled: raw, scaled, or a number that they are multiplied by."""

    name = "scale"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | float:
        """Return the word or the number."""
        if value in ("raw", "scaled"):
            return str(value)
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not (isfinite(number) and number):
            self.fail(f"{value!r} is none of raw, scaled, and a number that is not 0.", param, ctx)
        return number


class Modules(click.ParamType):
    """A kind of module that can be trained, or a plan of several; what there is says the registries."""

    name = "kind"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        from olacore.modules.kinds import KINDS
        from olacore.search.plans import PLANS

        if value not in (known := [*KINDS, *PLANS]):
            self.fail(f"{value!r} is not one of {', '.join(known)}.", param, ctx)
        return str(value)


class Option(click.ParamType):
    """An option of a strategy, written NAME=VALUE."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return name and value."""
        name, equals, setting = value.partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is no option; write NAME=VALUE.", param, ctx)
        return name, setting


data_sets = click.option(
    "--h5", type=FILE, multiple=True, required=True, help="Data set, or folder of shards; may be repeated."
)
split = click.option(
    "--split", type=click.Choice(["train", "validation", "held-out"]), default="held-out", show_default=True
)
skip_nonfinite = click.option("--skip-nonfinite", is_flag=True, help="Leave rows with NaN or inf out.")
max_pixels = click.option(
    "--max-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default=True,
    help="Of the largest picture that is read, with some 8 bytes of memory for each.",
)
force_folder = click.option("--force", is_flag=True, help="Write into a folder that holds files.")
page = click.option("--report", "page", type=FILE, help="Also write a page of it, one file of HTML.")
force_output = click.option("--force", is_flag=True, help="Replace the output.")
