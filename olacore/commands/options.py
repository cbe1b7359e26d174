"""Types of options, and the options that several commands have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from olacore import pretrained
from olacore.errors import FileFormatError
from olacore.files import is_there
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


def complete(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    """Those of the names that begin as what was typed."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class ModuleFile(click.Path):
    """A module, or a set of them, by its file, folder or name; a shell completes the names of those that are shipped.

    Parameters
    ----------
    kinds : of those, "encoder", "decoder" or "set"
    """

    def __init__(self, *kinds: str) -> None:
        super().__init__(path_type=Path)
        self.kinds = kinds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; where one kind is asked for, a name that is none of that kind is refused at once."""
        if len(self.kinds) == 1 and "set" not in self.kinds and pretrained.is_name(value):
            from olacore.modules.find import find

            find(value, *self.kinds)
        return super().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names, and files as the shell does it, first: in bash that is for where no name fits."""
        sets = pretrained.sets() if "set" in self.kinds else []
        names = [*pretrained.names(*self.kinds), *sets]
        return [*super().shell_complete(ctx, param, incomplete), *complete(names, incomplete)]


class Known(click.ParamType):
    """A name that a registry knows; what is none is refused by what looks it up.

    Parameters
    ----------
    name : the sort of thing, as help shows it
    places : of the registries, each written `module:attribute`
    """

    def __init__(self, name: str, *places: str) -> None:
        self.name, self.places = name, places

    def names(self) -> list[str]:
        """All that there are; the registries are imported now."""
        found = [getattr(import_module(module), attribute) for module, attribute in map(_parts, self.places)]
        return [name for registry in found for name in registry]

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Names that begin as what was typed."""
        return complete(self.names(), incomplete)


class Modules(Known):
    """A kind of module that can be trained, or a plan of several; what there is says the registries."""

    def __init__(self) -> None:
        super().__init__("kind", "olacore.modules.kinds:KINDS", "olacore.search.plans:PLANS")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name."""
        if value not in (known := self.names()):
            self.fail(f"{value!r} is not one of {', '.join(known)}.", param, ctx)
        return str(value)


class Views(Known):
    """How samples are cut: a view of the kind that `--module` names."""

    def __init__(self) -> None:
        super().__init__("name", "olacore.views:VIEWS")

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Views of the kind, or of all kinds where none is named yet."""
        views = import_module("olacore.views").VIEWS
        kind = ctx.params.get("module")
        return complete(dict.fromkeys(name for one in views if kind in (None, one) for name in views[one]), incomplete)


class Option(click.ParamType):
    """An option of a strategy, written NAME=VALUE."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Return name and value."""
        name, equals, setting = value.partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is no option; write NAME=VALUE.", param, ctx)
        return name, setting


class Which(click.ParamType):
    """One of several, such as 2/8.

    Parameters
    ----------
    what : one of them is called
    """

    name = "i/n"

    def __init__(self, what: str) -> None:
        self.what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return which, from 1 on, and of how many; whether there is such a one is found out later."""
        if isinstance(value, tuple):
            return value
        if not (found := re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", value)):
            self.fail(f"{value!r} is no {self.what}; write 2/8 for the second of eight.", param, ctx)
        return int(found[1]), int(found[2])


ANY_MODULE, ENCODER, DECODER = ModuleFile("encoder", "decoder"), ModuleFile("encoder"), ModuleFile("decoder")
ANYTHING, SET = ModuleFile("encoder", "decoder", "set"), ModuleFile("set")
EXPORTER = Known("form", "olacore.exports:EXPORTERS")
STRATEGY = Known("name", "olacore.strategies:STRATEGIES")
BACKEND = Known("name", "olacore.search.backends:BACKENDS")
VIEW = Views()
# Losses stand in `base`; the rules of a search import them all.
LOSS = Known("name", "olacore.search.rules:LOSSES")


def check_resumed(resume: bool, out: Path | None) -> None:
    """Raise `FileFormatError` if a run is to go on in a folder that is not there: its name may be mistyped."""
    if resume and out is not None and not is_there(out):
        beside = [path.name for path in out.parent.iterdir() if path.is_dir()] if out.parent.is_dir() else []
        meant = pretrained.guess(out.name, beside)
        raise FileFormatError(f"there is no run folder {out}{meant}; without --resume a run begins there.")


def _parts(place: str) -> tuple[str, str]:
    module, _, attribute = place.partition(":")
    return module, attribute


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
force_page = click.option("--force", is_flag=True, help="Replace what is written, where it is already there.")
force_output = click.option("--force", is_flag=True, help="Replace the output.")
