"""What an exporter is, and what is exported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from olacore.errors import ConfigError
from olacore.files import check_folder, check_output
from olacore.modules.identity import space_from
from olacore.modules.module import Module
from olacore.modules.program import Program
from olacore.registry import Registry
from olacore.spaces import LatentSpace, require_same


@dataclass(frozen=True)
class Part:
    """A module as exporters see it.

    Parameters
    ----------
    name : that it was asked for by; of a set, what it does in it, such as "text" or "level 1"
    program : what it computes
    about : what is known of it, JSON types; with "set" for what is known of the set that it comes from
    digest : SHA-256 of what it computes, as `Module.digest`
    carried : the arrays of its view, such as a table of words; empty for most
    content : of the module's own file
    """

    name: str
    program: Program
    about: dict[str, Any]
    digest: str
    carried: Mapping[str, np.ndarray] = field(default_factory=dict)
    content: bytes = field(default=b"", repr=False)

    @classmethod
    def of(
        cls, name: str, module: Module, of_set: Mapping[str, Any] | None = None, content: bytes | None = None
    ) -> Part:
        """What is exported of a module, and of the set that it comes from; of its file, where that is there."""
        about = module.about() | ({"set": dict(of_set)} if of_set else {})
        return cls(name, module.program(), about, module.digest, module.view.tensors, content or module.content())

    def space(self, role: str) -> LatentSpace | None:
        """The latent space that it "makes", "imitates" or "reads", where it says so."""
        return space_from(self.about.get(role))


def require_pair(encoder: Part, decoder: Part) -> None:
    """Raise unless a decoder reads what an encoder makes.

    Parameters
    ----------
    encoder, decoder : what is to be exported together

    Raises
    ------
    ConfigError  if they differ in channels or factor
    FingerprintError  if they are of different latent spaces
    """
    sizes = {part.name: (part.program.gather["channels"], part.program.gather["factor"]) for part in (encoder, decoder)}
    if len({*sizes.values()}) > 1:
        named = ", ".join(f"{name} {channels}, {factor}" for name, (channels, factor) in sizes.items())
        raise ConfigError(f"encoder and decoder must agree in channels and pixels of a latent site; got {named}.")
    made = encoder.space("makes"), encoder.space("imitates")
    require_same(decoder.name, decoder.space("reads"), encoder.name, *made, then="export a pair")


@dataclass(frozen=True)
class Exporter(ABC):
    """Writes programs of modules in some form. Its fields are options, which `--option NAME=VALUE` sets.

    Attributes
    ----------
    name : what it is found by, and what `--to` takes
    suffix : of the file that it writes; empty if it writes a folder
    least, most : modules that it takes at once
    of_sets : options that only a set of modules takes
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    least: ClassVar[int] = 1
    most: ClassVar[int] = 1
    of_sets: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def write(self, parts: Sequence[Part], path: Path) -> int:
        """Write a file, or a folder, in one step.

        Returns
        -------
        bytes that were written

        Raises
        ------
        ConfigError  if it does not write modules of that view, or not these together
        OutputError  if it cannot be written
        """

    def check(self, path: Path, force: bool) -> None:
        """Raise unless `path` may be written.

        Parameters
        ----------
        path : of the file or folder
        force : it may be there

        Raises
        ------
        ConfigError  if its suffix is another one than the exporter writes
        OutputExistsError  if it is there without `force`
        OutputError  if it cannot be written
        """
        if path.suffix != self.suffix and self.suffix:
            raise ConfigError(f"the exporter {self.name} writes {self.suffix} files; got {path.name!r}.")
        if self.suffix:
            check_output(path, force)
        else:
            check_folder(path, force)

    def set(self, options: Mapping[str, str]) -> Exporter:
        """This exporter with options, which come as texts.

        Raises
        ------
        ConfigError  if it has no such option, or not such a value
        """
        known = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, text in options.items():
            if name not in known:
                there = ", ".join(one for one in known if one not in self.of_sets) or "none"
                there += f"; of a set also {', '.join(self.of_sets)}" if self.of_sets else ""
                raise ConfigError(f"the exporter {self.name} has no option {name!r}; there are: {there}.")
            known[name] = _value(text, known[name], name)
        return replace(self, **known)


# Exporters by the name that `ola export --to` takes.
EXPORTERS: Registry[Exporter] = Registry("exporter")


def export(
    parts: Sequence[Part], to: str, path: Path, force: bool = False, options: Mapping[str, str] | None = None
) -> int:
    """Write modules in the form of an exporter.

    Parameters
    ----------
    parts : modules, see `Part`
    to : name of an exporter
    path : of the file or folder
    force : replace what is there
    options : of the exporter, by name, as text

    Returns
    -------
    bytes that were written

    Raises
    ------
    ConfigError  if there is no such exporter, it has no such option, the file's suffix is another one than it writes,
        or it does not take modules like these
    OutputExistsError, OutputError  if the file is there without `force`, or cannot be written
    """
    exporter = EXPORTERS.find(to).set(options or {})
    exporter.check(path, force)
    if not exporter.least <= len(parts) <= exporter.most:
        asked = f"{exporter.least}" if exporter.least == exporter.most else f"{exporter.least} to {exporter.most}"
        got = f"{len(parts)} ({', '.join(part.name for part in parts)})" if parts else "none"
        raise ConfigError(f"modules that the exporter {to} takes at once: {asked}; got {got}.")
    return exporter.write(parts, path)


def _value(text: str, default: Any, name: str) -> Any:
    """What a text says, of the type of the default."""
    if isinstance(default, bool):
        if text not in ("0", "1"):
            raise ConfigError(f"the option {name} is 0 or 1; got {text!r}.")
        return text == "1"
    try:
        return type(default)(text)
    except ValueError as error:
        raise ConfigError(f"the option {name} is a number; got {text!r}.") from error
